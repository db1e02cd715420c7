import type { ConnectorRules } from '../../../libs/definition/connectors.js';
import type { DatasetDefinition, SourceDefinition } from '../../../libs/definition/definitions.js';

/**
 * How a system can misbehave while it is read: every answer late; every answer cut into pieces; one answer that ends in its
 * middle, after which the system is well again.
 */
export type ContractFault = 'slow' | 'halves' | 'breaks';

export const CONTRACT_FAULTS: readonly ContractFault[] = ['slow', 'halves', 'breaks'];

/** A system with a place to read from, as the suite needs it. Each case gets one of its own, and closes it. */
export interface ContractSystem {
  /**
   * Where the connector is made: `module` exports `create(clock: Clock): Connector`. Processes that are to be killed load it
   * from there.
   */
  readonly connector: { readonly module: URL; readonly create: string };
  /** The source that reads the place. A polled one is best polled every 200 ms. */
  readonly source: Omit<SourceDefinition, 'dataset'>;
  /** Parameters of a source of the same kind that reads from another place: no position is passed on to it. */
  readonly elsewhere: SourceDefinition['config'];
  /** What its dataset has beyond, or instead of, the fields of `contractDataset`; the second field stays the row's number. */
  readonly dataset?: Partial<DatasetDefinition>;
  /** What a commit knows of it, where libs/definition/connectors.ts does not. */
  readonly rules?: ConnectorRules;
  /** The environment from which its settings and secrets come. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Puts the rows `contractRow(from)` to `contractRow(to - 1)` there; resolves when a reader can find them. */
  add(from: number, to: number): Promise<void>;
  /** The faults that it can be told to have; where one is missing, its case says so instead of running. */
  readonly faults?: Readonly<Partial<Record<ContractFault, () => Promise<void> | void>>>;
  /** Ends a fault. */
  heal?(): Promise<void> | void;
  close(): Promise<void>;
}

/** 2020-01-01T00:00:00Z: no clock of a machine that runs tests is behind it. */
const EPOCH_MS = 1_577_836_800_000;

/** `{ k, n, at }`: seven keys, a number that tells rows apart, and a time that grows with it by a second. */
export function contractRow(n: number): { readonly k: string; readonly n: number; readonly at: string } {
  return { k: `k${n % 7}`, n, at: new Date(EPOCH_MS + n * 1_000).toISOString() };
}

/** What the rows fill, unless the system says otherwise. */
export function contractDataset(more: Partial<DatasetDefinition> = {}): DatasetDefinition {
  return {
    name: 'Contract',
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
