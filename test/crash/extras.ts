import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitFile } from '../../libs/cli/commit-command.js';
import { RestError, type RestClient } from '../../libs/client/rest-client.js';
import { classesOf as evolvingClasses, evolved, FIRST_VERSIONS, type Versions } from './evolutions.js';
import { feedClasses, type FeedPlaces } from './feeds.js';

const SILENT = { out: () => undefined, err: () => undefined, progress: () => undefined };
const FEATURES = fileURLToPath(new URL('./features.ts', import.meta.url));

/** Another pipeline, another version of a dataset that is pushed to (S19a), or of what a pipeline publishes (S25a). */
export type Evolution = 'extra' | 'upgrade' | 'rebuild';

/** Definitions that change while everything runs: each new pipeline starts at the beginning of what was pushed before it (S18). */
export class Extras {
  readonly names: string[] = [];
  /** What the extractor of MarkerSignals says, once this is committed: code that changes in place (S19). */
  marker: number | undefined;
  versions: Versions = FIRST_VERSIONS;
  /** Whether the deployment has said that it has all of this. */
  #isCommitted = false;
  #steps = 0;
  #committing: Promise<boolean> = Promise.resolve(true);
  readonly #folder: string;
  readonly #feeds: FeedPlaces;
  readonly #client: RestClient;

  constructor(folder: string, feeds: FeedPlaces, client: RestClient) {
    this.#folder = folder;
    this.#feeds = feeds;
    this.#client = client;
  }

  /**
   * Something else than before; from then on it is part of every commit, whether this one is answered or not. A version is
   * raised once the one before it is committed, since its records are carried over from that one; until then it is another
   * pipeline.
   */
  evolve(kind: Evolution): void {
    if (kind === 'extra' || !this.#isCommitted) this.names.push(`Extra${this.names.length + 1}`);
    else this.versions = evolved(this.versions, kind);
    this.#isCommitted = false;
    this.#steps++;
  }

  get raised(): Versions {
    return { meter: this.versions.meter - FIRST_VERSIONS.meter, peak: this.versions.peak - FIRST_VERSIONS.peak };
  }

  /** Whether the deployment has taken all of it; a commit that is sent again finds itself. One at a time. */
  commit(): Promise<boolean> {
    this.#committing = this.#committing.catch(() => false).then(() => this.#commit());
    return this.#committing;
  }

  async #commit(): Promise<boolean> {
    const file = join(this.#folder, 'features.ts');
    const classes = [
      evolvingClasses(this.versions),
      feedClasses(this.#feeds, this.versions),
      ...this.names.map(classesOf),
      ...(this.marker === undefined ? [] : [markerOf(this.marker)]),
    ];
    const steps = this.#steps;
    await writeFile(file, [HEAD, ...classes].join('\n'));
    try {
      await commitFile(file, { client: this.#client, terminal: SILENT, webUrl: undefined });
      this.#isCommitted = steps === this.#steps;
      return true;
    } catch (error) {
      if (error instanceof RestError && (error.status === 0 || error.status >= 429 || error.status === 409)) return false;
      throw error;
    }
  }
}

const HEAD = `
import { Count, LastK, Sum, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import { Payment } from '${FEATURES}';
export * from '${FEATURES}';
`;

function classesOf(name: string): string {
  return `
@dataset({ version: 1, index: true })
export class ${name} {
  @key(t.string) merchant; @field(t.int) payments; @field(t.list(t.int)) numbers; @timestamp() paid_at;
  @pipeline({ version: 1, inputs: [Payment] })
  static build(payments) { return payments.groupBy('merchant').aggregate({ payments: Count(), numbers: LastK({ of: 'number', k: 25 }) }); }
}
@featureset({ entity: 'merchant' })
export class ${name}Signals {
  @feature(t.string, { id: 1 }) merchant;
  @feature(t.int, { id: 2, ref: [${name}, 'payments'] }) payments;
  @feature(t.list(t.int), { id: 3, ref: [${name}, 'numbers'] }) numbers;
}`;
}

function markerOf(marker: number): string {
  return `
@featureset({ entity: 'payer' })
export class MarkerSignals {
  @feature(t.string, { id: 1 }) payer;
  @feature(t.int, { id: 2 }) marker;
  @extractor({ inputs: ['payer'], outputs: ['marker'] })
  static mark() { return { marker: ${marker} }; }
}`;
}
