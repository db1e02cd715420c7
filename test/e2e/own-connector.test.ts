// A connector that is not part of Thyme, in the real program: its module is named by the environment, and its rows come to a dataset.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { contractRow } from '../../services/ingest/testing/contract-system.js';
import { eventually } from '../support/eventually.js';
import { Processes } from '../support/processes.js';

const CONNECTOR = fileURLToPath(new URL('../../infra/examples/feed-connector.ts', import.meta.url));
const ROWS = 25;

describe('a connector that is not part of Thyme', function () {
  this.timeout(120_000);
  const processes = new Processes();
  let server: Server;

  before(async () => {
    server = createServer((request, response) => {
      const after = Number(new URL(request.url ?? '', 'http://feed').searchParams.get('after'));
      const rows = Array.from({ length: ROWS - after }, (_, i) => ({ id: after + i + 1, ...contractRow(after + i) }));
      response.end(JSON.stringify({ last: ROWS, rows }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  after(async () => {
    await processes.end();
    server.closeAllConnections();
    server.close();
  });

  const env = { THYME_CONNECTORS: CONNECTOR };

  it('is committed by name, and fills its dataset', async () => {
    const { port } = server.address() as AddressInfo; // of TCP
    const module = join(processes.folder, 'features.ts');
    writeFileSync(
      module,
      `import { dataset, field, key, source, t, timestamp } from 'thyme';
import { connector } from 'thyme/sources';
@source(connector('feed', 'objects', { url: 'http://127.0.0.1:${port}/feed' }), { every: '1s' })
@dataset({ version: 1 })
export class Reading {
  @key(t.string) k!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
}
`,
    );
    const thyme = await processes.serve(processes.subfolder('data'), [], { env });
    const refused = await processes.run(['commit', module], { env: { THYME_API_URL: thyme.restUrl } });
    expect(refused.code).to.not.equal(0);
    expect(refused.stderr).to.contain("no connector is called 'feed'");
    const committed = await processes.run(['commit', module], { env: { ...env, THYME_API_URL: thyme.restUrl } });
    expect(committed.code, committed.stderr).to.equal(0);
    await eventually(async () => {
      const listed = (await (
        await fetch(`${thyme.restUrl}/api/v1/sources`, { headers: { authorization: `Bearer ${thyme.adminKey}` } })
      ).json()) as readonly { readonly rows: number }[];
      return listed[0]?.rows === ROWS;
    }, 'its rows are published');
  });

  it('says what is wrong with a module that is none', async () => {
    const { code, stderr } = await processes.run(['status'], { env: { THYME_CONNECTORS: fileURLToPath(import.meta.url) } });
    expect(code).to.equal(2);
    expect(stderr).to.contain('THYME_CONNECTORS');
  });
});
