import type { DatasetDefinition, SourceDefinition } from '../../../libs/definition/definitions.js';
import type { Connector } from '../../../libs/source/connector.js';
import type { Clock } from '../../../libs/time/clock.js';

/** What bench:source needs of one kind of system. */
export interface SourceKind {
  /** Rows a second into the embedded log. */
  readonly goalRowsPerS: number;
  readonly rowsDefault: number;
  /** What its dataset has beyond ORDERS. */
  readonly dataset?: Partial<DatasetDefinition>;
  /** The rows are put there by `append` after the source was once there, and while it is away: what it has to catch up with is measured. */
  readonly isPrimed?: true;
  connector(clock: Clock): Connector;
  /** Starts the system, with rows [0, rows) of source-rows.ts in it; `folder` is gone after the bench. */
  prepare(folder: string, rows: number): Promise<PreparedSource>;
}

export interface PreparedSource {
  readonly source: Pick<SourceDefinition, 'config' | 'cursor'>;
  /** The environment that its secrets are in. */
  readonly variables: Readonly<Record<string, string>>;
  /** What stands beside it, such as `COPY … TO STDOUT`. */
  readonly bareReader: string;
  /** Reads all rows without anything of ours, or with as little as can be; resolves to how many there were. */
  readBare(): Promise<number>;
  /** Puts rows [from, to) there; resolves once they can be read. */
  append(from: number, to: number): Promise<void>;
  close(): Promise<void>;
}

/** How many lines come out of a stream of bytes. */
export async function countLines(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let lines = 0;
  for await (const chunk of bytes) for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  return lines;
}
