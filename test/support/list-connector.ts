import type { BatchLimits, Connector, JsonValue, SourceBatch, SourceReader } from '../../libs/source/connector.js';
import { wouldRepeat } from '../../libs/source/seek-error.js';
import { SourceError } from '../../libs/source/source-error.js';
import type { SourceSettings } from '../../libs/source/source-settings.js';

/** A system that is a list of rows in memory, and can be told to fail: what the runner is tested with. */
export class ListSystem {
  readonly rows: unknown[] = [];
  /** Rows that are there at the start are its initial load. */
  place = 'list';
  opened = 0;
  closed = 0;
  /** Thrown by the read that comes to this row; once. */
  failure: { readonly atRow: number; readonly error: Error } | undefined;
  /** Never answers while it is set. */
  isStuck = false;
  mode: 'poll' | 'push' = 'poll';
  /** Whether it may be begun in its middle. */
  canSeek = true;
}

export function listConnector(name: string, system: ListSystem): Connector {
  return {
    name,
    fingerprint: () => system.place,
    test: async (settings) => {
      await settings.secret('password');
      return { steps: [{ what: 'reached', ok: true, detail: system.place }], sample: system.rows[0] };
    },
    open: async (settings, signal) => {
      await openable(system, settings, signal);
      system.opened++;
      const reader: SourceReader = new ListReader(system);
      return system.canSeek ? reader : withoutSeek(reader);
    },
  };
}

async function openable(system: ListSystem, settings: SourceSettings, signal: AbortSignal): Promise<void> {
  if ((await settings.secret('password')) === undefined) throw new SourceError('retry', 'THYME_SOURCE_SECRET', 'no password');
  if (system.isStuck) await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

function withoutSeek(reader: SourceReader): SourceReader {
  return {
    read: (...given) => reader.read(...given),
    describe: (position) => reader.describe(position),
    lag: () => reader.lag(),
    close: () => reader.close(),
  };
}

class ListReader implements SourceReader {
  readonly #system: ListSystem;

  constructor(system: ListSystem) {
    this.#system = system;
  }

  async *read(position: JsonValue | undefined, limits: BatchLimits): AsyncGenerator<SourceBatch> {
    const { rows } = this.#system;
    const stored = (position ?? { next: 0, initialEnd: rows.length }) as { readonly next: number; readonly initialEnd: number };
    for (let next = stored.next; next < rows.length;) {
      const { failure } = this.#system;
      const end = Math.min(rows.length, next + limits.rowsMax, failure === undefined ? Infinity : Math.max(next, failure.atRow));
      if (failure !== undefined && end === next) {
        this.#system.failure = undefined;
        throw failure.error;
      }
      const batch = rows
        .slice(next, end)
        .map((input, i) => ({ input, lane: 'list', historical: next + i < stored.initialEnd, place: `row ${next + i}` }));
      next = end;
      yield { rows: batch, position: { ...stored, next } };
    }
  }

  /** Places are numbers of rows. */
  async seek(to: string | undefined, from: JsonValue | undefined): Promise<JsonValue> {
    const next = to === undefined ? this.#system.rows.length : Number(to);
    const reached = (from as { readonly next: number } | undefined)?.next ?? 0;
    if (next < reached) throw wouldRepeat(`row ${next}`, `row ${reached}`);
    return { next, initialEnd: 0 };
  }

  describe(position: JsonValue): string {
    return `behind row ${(position as { readonly next: number }).next}`;
  }

  lag(): { readonly rows: number } {
    return { rows: 0 };
  }

  async close(): Promise<void> {
    this.#system.closed++;
  }
}
