import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitFile } from '../../libs/cli/commit-command.js';
import { RestError, type RestClient } from '../../libs/client/rest-client.js';

const SILENT = { out: () => undefined, err: () => undefined, progress: () => undefined };
const FEATURES = fileURLToPath(new URL('./features.ts', import.meta.url));

/** Pipelines that come while everything runs: each starts at the beginning of what was pushed before it (S18). */
export class Extras {
  readonly names: string[] = [];
  /** What the extractor of MarkerSignals says, once this is committed: code that changes in place (S19). */
  marker: number | undefined;
  readonly #folder: string;
  readonly #client: RestClient;

  constructor(folder: string, client: RestClient) {
    this.#folder = folder;
    this.#client = client;
  }

  /** One more than before; from then on it is part of every commit, whether this one is answered or not. */
  add(): void {
    this.names.push(`Extra${this.names.length + 1}`);
  }

  /** Whether the deployment has taken all of them; a commit that is sent again finds itself. */
  async commit(): Promise<boolean> {
    const file = join(this.#folder, 'features.ts');
    await writeFile(file, [HEAD, ...this.names.map(classesOf), ...(this.marker === undefined ? [] : [markerOf(this.marker)])].join('\n'));
    try {
      await commitFile(file, { client: this.#client, terminal: SILENT, webUrl: undefined });
      return true;
    } catch (error) {
      if (error instanceof RestError && (error.status === 0 || error.status >= 429 || error.status === 409)) return false;
      throw error;
    }
  }
}

const HEAD = `
import { Count, LastK, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
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
