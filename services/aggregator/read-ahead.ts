import type { Log, LogRecord, ReadLimits, ReadResult, TopicPartition } from '../../libs/log/log.js';

/**
 * Reads the next tick's records while the log decides over this one: there is nothing else to do meanwhile, and a fetch from a
 * broker, or some hundred kilobytes from a disk, takes as long as running a part of them.
 */
export class ReadAhead {
  readonly #log: Log;
  readonly #begun = new Map<string, Promise<ReadResult | undefined>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** For an input that had more than one tick takes. Those who stand side by side share it. */
  begin({ source, nextOffset }: Place, limits: ReadLimits): void {
    const name = nameOf(source, nextOffset);
    if (this.#begun.has(name)) return;
    // The next reader of this place meets the failure by itself, since it asks the log again.
    this.#begun.set(
      name,
      this.#log.read(source, nextOffset, limits).catch(() => undefined),
    );
  }

  /** Forgets what was read for places where nobody stands any more. */
  keepFor(places: readonly Place[]): void {
    if (this.#begun.size === 0) return;
    const names = new Set(places.map(({ source, nextOffset }) => nameOf(source, nextOffset)));
    for (const name of this.#begun.keys()) if (!names.has(name)) this.#begun.delete(name);
  }

  /** What was read ahead, if that is all that the limits allow: else more may have come since, and the log is asked anew. */
  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    const name = nameOf(source, offset);
    const ahead = await this.#begun.get(name);
    this.#begun.delete(name);
    return ahead !== undefined && fills(ahead.records, limits) ? ahead : this.#log.read(source, offset, limits);
  }
}

interface Place {
  readonly source: TopicPartition;
  readonly nextOffset: number;
}

/** Whether a read stopped at its limits: there may be more. */
export function fills(records: readonly LogRecord[], { recordsMax, bytesMax }: ReadLimits): boolean {
  return records.length >= recordsMax || bytesOf(records) >= bytesMax / 2;
}

export function bytesOf(records: readonly LogRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.valueLength ?? record.value.length;
  return bytes;
}

function nameOf({ topic, partition }: TopicPartition, offset: number): string {
  return `${topic}/${partition}@${offset}`;
}
