// What of the crash suite's definitions is fed by sources (S16): parcels from files, invoices from a table of Postgres where there
// is one. Their versions are raised with the meter's, so a source is also killed while it takes over from the version before.
import { type Versions, VALUE_FIELDS, valueOf } from './evolutions.js';

/** Names whose sources two ingest processes share: one lies in the lower half of SOURCE_PARTS, one in the upper. */
export const FED_DATASETS = ['Parcel', 'Invoice'] as const;
export type FedDataset = (typeof FED_DATASETS)[number];

/** Where a round's rows come from. */
export interface FeedPlaces {
  /** Parcels: `parcels/*.jsonl`; invoices too where there is no Postgres: `invoices/*.jsonl`. */
  readonly folder: string;
  readonly table: FeedTable | undefined;
}

/** The table `invoice`, on loopback. */
export interface FeedTable {
  readonly port: number;
  readonly database: string;
}

export const FEED_TABLE = `CREATE TABLE invoice (number int PRIMARY KEY, sender text NOT NULL, depot text NOT NULL,
  ${VALUE_FIELDS.map((name) => `${name} int NOT NULL`).join(', ')}, at timestamptz NOT NULL)`;
export const FEED_USER = 'thyme';

export function feedFolder({ folder }: FeedPlaces, dataset: FedDataset): string {
  return `${folder}/${dataset.toLowerCase()}s`;
}

/** Polled as often as can be. Late transactions are looked for a minute back, which is longer than any here. */
export function feedClasses(places: FeedPlaces, { meter }: Versions): string {
  const { table } = places;
  const files = (dataset: FedDataset): string => `files({ path: '${feedFolder(places, dataset)}/*.jsonl' }), { every: '1s' }`;
  const invoices =
    table === undefined
      ? files('Invoice')
      : `postgres({ table: 'invoice', host: '127.0.0.1', port: ${table.port}, database: '${table.database}', user: '${FEED_USER}' }), ` +
        `{ cursor: 'at', every: '1s', maxLateness: '1m' }`;
  return `
import { source } from 'thyme';
import { files, postgres } from 'thyme/sources';
${fedClass('Parcel', files('Parcel'), meter)}
${fedClass('Invoice', invoices, meter)}`;
}

function fedClass(name: FedDataset, from: string, version: number): string {
  const value = valueOf(version);
  const upgrade = version === 1 ? '' : `, upgrade: ({ ${valueOf(version - 1)}: ${value}, ...others }) => ({ ...others, ${value} })`;
  return `
@source(${from})
@dataset({ version: ${version}${upgrade} })
export class ${name} {
  @key(t.string) sender; @field(t.string) depot; @field(t.int) number; @field(t.int) ${value}; @timestamp() at;
}
@dataset({ version: 1, index: true })
export class ${name}Stats {
  @key(t.string) depot; @field(t.int) rows; @field(t.int) total; @field(t.list(t.int)) numbers; @timestamp() at;
  @pipeline({ version: ${version}, inputs: [${name}] })
  static build(fed) {
    return fed.groupBy('depot').aggregate({ rows: Count(), total: Sum({ of: '${value}' }), numbers: LastK({ of: 'number', k: 25 }) });
  }
}
@featureset({ entity: 'depot' })
export class ${name}Signals {
  @feature(t.string, { id: 1 }) depot;
  @feature(t.int, { id: 2, ref: [${name}Stats, 'rows'] }) rows;
  @feature(t.int, { id: 3, ref: [${name}Stats, 'total'] }) total;
  @feature(t.list(t.int), { id: 4, ref: [${name}Stats, 'numbers'] }) numbers;
}`;
}
