// What the generator writes down: each batch before it is sent, and what became of it. The recount knows
// nothing else, so that nothing the platform says is taken for true.
import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

export type DatasetName = 'Order' | 'Payment' | 'Step' | 'Note' | 'Ticket' | 'Meter' | 'Parcel' | 'Invoice';

export interface SentEvent {
  readonly fields: Readonly<Record<string, string | number | null>>;
  readonly atUs: number;
  /** Of a change of a row (S17): when its source made it, and whether it deletes. */
  readonly opUs?: number;
  readonly deletes?: boolean;
  /** It does not fit its schema: to be refused, and its sequence used up (S12, S13). */
  readonly isBad?: true;
}

export interface SentBatch {
  readonly kind: 'sent';
  readonly batch: number;
  readonly dataset: DatasetName;
  /** Undefined for a batch that is sent once, whatever comes of it. */
  readonly sequence?: number;
  readonly events: readonly SentEvent[];
}

/** An entity is erased between two batches of its dataset (S26): the request is sent until it is answered, and nothing else meanwhile. */
export interface Erasing {
  readonly kind: 'erasing';
  readonly dataset: DatasetName;
  readonly entity: string;
}

export type JournalEntry =
  | SentBatch
  | Erasing
  | { readonly kind: 'acknowledged'; readonly batch: number; readonly attempts: number; readonly atMs: number }
  /** The generator gave the batch up: only where it has no producer. */
  | { readonly kind: 'unanswered'; readonly batch: number }
  /** An answer that cannot be: a refusal of good records, or one's own writes not read (S21). */
  | { readonly kind: 'wrong'; readonly what: string }
  /** Batches sent again on purpose, though they were acknowledged. */
  | { readonly kind: 'ended'; readonly repeats: number; readonly retries: number };

export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Written when it returns: the generator's own death would lose nothing either. */
  write(entry: JournalEntry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export async function readJournal(path: string): Promise<readonly JournalEntry[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as JournalEntry); // written by Journal
}
