import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

const TOOLS = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools/kinesis');
const require = createRequire(import.meta.url);

/** A server of the test's own, on loopback, that speaks Kinesis's protocol. */
export interface KinesisServer {
  readonly endpoint: string;
  /** Whose streams it has. */
  readonly account: string;
  stop(): Promise<void>;
}

/** What this file needs of a package without types. */
type Kinesalite = (options: object) => Server & { closeAllConnections(): void };

/** An npm package, by `npm install` in a folder of its own: it closes shards that are split or merged, as Amazon does. */
export const kinesalite = {
  what: 'kinesalite (npm install --prefix ~/.cache/thyme-tools/kinesis kinesalite@3.3.3 aws-kinesis-agg@4.2.8)',
  isThere: (): boolean => existsSync(join(TOOLS, 'node_modules/kinesalite')),
  async start(): Promise<KinesisServer> {
    const program = require(join(TOOLS, 'node_modules/kinesalite')) as Kinesalite; // its README's function
    const server = program({ createStreamMs: 1, deleteStreamMs: 1, updateStreamMs: 1, shardLimit: 10_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // of TCP
    return {
      endpoint: `http://127.0.0.1:${port}`,
      account: '000000000000',
      async stop() {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      },
    };
  },
};

/** Amazon's own library that makes aggregates; its package is not one of this project's. */
interface Aggregation {
  readonly RecordAggregator: new () => {
    addUserRecord(record: { readonly partitionKey: string; readonly explicitHashKey?: string; readonly data: Buffer }): void;
    build(): { readonly partitionKey: string; readonly data: Buffer };
  };
}

/** One aggregate of the records, as Amazon's library makes it. */
export function aggregateOf(
  records: readonly { readonly partitionKey: string; readonly explicitHashKey?: string; readonly data: Buffer }[],
): Buffer {
  const { RecordAggregator } = require(join(TOOLS, 'node_modules/aws-kinesis-agg')) as Aggregation; // its README's class
  const aggregator = new RecordAggregator();
  for (const record of records) aggregator.addUserRecord(record);
  return aggregator.build().data;
}
