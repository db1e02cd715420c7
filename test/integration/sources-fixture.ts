import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import type { DatasetDefinition, Definitions, SourceDefinition } from '../../libs/definition/definitions.js';
import type { CarryOver, Revision } from '../../libs/definition/revision.js';
import type { Log } from '../../libs/log/log.js';
import { SoloMembership } from '../../libs/log/solo-membership.js';
import type { Connector } from '../../libs/source/connector.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { ManualClock } from '../../libs/time/clock.js';
import { RevisionList } from '../../services/aggregator/revision-feed.js';
import { DatasetDoors } from '../../services/ingest/dataset-doors.js';
import { SOURCE_PARTS, Sources } from '../../services/ingest/sources/sources.js';

/** 2026-01-31T12:00:00Z. */
export const NOW_US = 1_769_860_800_000_000;
const PARTITIONS = 3;

export function numberDataset(name: string, more: Partial<DatasetDefinition> = {}): DatasetDefinition {
  return {
    name,
    version: 1,
    fields: [
      { name: 'k', type: { kind: 'string', optional: false } },
      { name: 'n', type: { kind: 'int', optional: false } },
      { name: 'at', type: { kind: 'timestamp', optional: false } },
    ],
    keys: ['k'],
    timestamp: 'at',
    index: false,
    publish: false,
    maxFutureUs: 600e6,
    expectations: [],
    ...more,
  };
}

/** By a polled connector's rules, whatever really answers under its name. */
export function polled(dataset: string, connector = 'postgres', more: Partial<SourceDefinition> = {}): SourceDefinition {
  return {
    dataset,
    connector,
    config: { table: 't', password: { secret: 'env:PASSWORD' } },
    cursor: 'n',
    everyUs: 5e6,
    cdc: 'append',
    ...more,
  };
}

export function row(n: number): object {
  return { k: `k${n % 7}`, n, at: '2026-01-31T11:00:00Z' };
}

export const SECRET = 'c4n4ry-of-the-secret';

export class SourcesFixture {
  readonly clock = new ManualClock(NOW_US);
  readonly revisions = new RevisionList();
  readonly logged: string[] = [];
  /** The environment that secrets and connections come from. */
  readonly variables: Record<string, string> = { PASSWORD: SECRET };
  readonly events = new EventRing(this.clock);
  readonly #log: Log;
  readonly #connectors: ReadonlyMap<string, Connector>;
  #number = 0;
  /** The state of a linear congruential generator: the same in each run. */
  #draw = 42;
  hasRoom = true;

  constructor(log: Log, connectorsOf: (clock: ManualClock) => readonly Connector[]) {
    this.#log = log;
    this.#connectors = new Map(connectorsOf(this.clock).map((connector) => [connector.name, connector]));
  }

  async commit(
    datasets: readonly DatasetDefinition[],
    sources: readonly SourceDefinition[],
    carryOvers: readonly CarryOver[] = [],
  ): Promise<void> {
    for (const { name, version } of datasets) {
      await this.#log.createTopic(`d.${name}.v${version}`, PARTITIONS);
      await this.#log.createTopic(`d.${name}.v${version}.dead`, PARTITIONS);
    }
    const definitions: Definitions = { datasets, sources, pipelines: [], featuresets: [] };
    this.revisions.add({ number: ++this.#number, createdUs: 0, definitions, bundle: { sha256: '', code: '' }, timelines: [], carryOvers });
  }

  /** One process's sources over the shared log. */
  async start(): Promise<Sources> {
    const { clock, revisions, events, variables } = this;
    const latest = (): Revision | undefined => revisions.after(0).at(-1);
    const sources = new Sources({
      log: this.#log,
      deployment: 'd',
      clock,
      random: () => (this.#draw = (this.#draw * 16_807) % 2_147_483_647) / 2_147_483_647,
      revisions: { latest, waitForNewer: (number, signal) => revisions.waitForNewer(number, signal) },
      doors: new DatasetDoors(this.#log, 'd'),
      connectors: this.#connectors,
      environment: { variables, readFile: () => Promise.reject(new Error('no file')) },
      ownership: new SoloMembership(SOURCE_PARTS),
      address: () => '127.0.0.1:1',
      hasRoom: () => this.hasRoom,
      logger: createLogger({ level: 'debug', clock, write: (line) => this.logged.push(line) }),
      events,
    });
    await sources.start();
    return sources;
  }

  async published(dataset: string, version = 1, fields = numberDataset(dataset).fields): Promise<readonly DatasetRecord[]> {
    const codec = compileRecordCodec(fields);
    return (await this.#values(`d.${dataset}.v${version}`)).map((value) => codec.decode(value));
  }

  async numbers(dataset: string, version = 1): Promise<number[]> {
    return (await this.published(dataset, version)).map((record) => Number(record.row[1])).sort((a, b) => a - b);
  }

  async dead(dataset: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#values(`d.${dataset}.v1.dead`)).map(
      (value) => JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>,
    );
  }

  async #values(topic: string): Promise<Uint8Array[]> {
    const values: Uint8Array[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const target = { topic, partition };
      for (let offset = 0, end = await this.#log.endOffset(target); offset < end;) {
        const read = await this.#log.read(target, offset, { recordsMax: 1_000, bytesMax: 1e6 });
        values.push(...read.records.map(({ value }) => value));
        offset = read.nextOffset;
      }
    }
    return values;
  }
}
