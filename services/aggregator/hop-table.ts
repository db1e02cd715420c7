import type { Hop } from '../../libs/change/change.js';
import type { StageThrough, Through } from './rekey-message.js';

const NOTHING = { nextOffset: 0, caughtUp: false } as const;

/**
 * How far each stage of a reader has heard of each source partition. Stage 0 reads its own partition;
 * stage 1 hears of a source from that source's task alone; a later stage hears of it from every task,
 * and has seen it through as far as the slowest of them has.
 */
export class HopTable {
  readonly #own: number;
  readonly #partitionCount: number;
  /** By stage, then by sender, then by source. */
  readonly #heard = new Map<number, Map<number, Map<number, Through>>>();

  constructor(own: number, partitionCount: number) {
    this.#own = own;
    this.#partitionCount = partitionCount;
  }

  hear(sender: number, { stage, sources }: Omit<StageThrough, 'readerId'>): void {
    const senders = this.#heard.get(stage) ?? new Map<number, Map<number, Through>>();
    const known = senders.get(sender) ?? new Map<number, Through>();
    for (const through of sources) known.set(through.source, through);
    senders.set(sender, known);
    this.#heard.set(stage, senders);
  }

  /** What the stage has seen through of a source; `own` is where stage 0 stands in this partition. */
  through(stage: number, source: number, own: Through): Through {
    if (stage === 0) return source === this.#own ? own : { source, ...NOTHING };
    if (stage === 1) return source === this.#own ? own : this.#heardFrom(1, source, source);
    let least = this.through(stage - 1, source, own);
    for (let sender = 0; sender < this.#partitionCount; sender++) {
      if (sender === this.#own) continue;
      const heard = this.#heardFrom(stage, sender, source);
      least = { source, nextOffset: Math.min(least.nextOffset, heard.nextOffset), caughtUp: least.caughtUp && heard.caughtUp };
    }
    return least;
  }

  /** What this task can tell another of a stage's input, given what it has done itself. */
  tell(readerId: number, stage: number, own: Through): StageThrough {
    const sources = stage === 1 ? [this.#own] : Array.from({ length: this.#partitionCount }, (_, source) => source);
    return { readerId, stage, sources: sources.map((source) => this.through(stage - 1, source, own)) };
  }

  toHops(readerId: number): Hop[] {
    const hops: Hop[] = [];
    for (const [stage, senders] of this.#heard) {
      for (const [sender, sources] of senders) {
        for (const through of sources.values()) hops.push({ readerId, stage, sender, ...through });
      }
    }
    return hops;
  }

  #heardFrom(stage: number, sender: number, source: number): Through {
    return this.#heard.get(stage)?.get(sender)?.get(source) ?? { source, ...NOTHING };
  }
}
