import { compileRowCodec, type RowCodec } from '../../libs/codec/row-codec.js';
import { slotOf } from '../../libs/codec/slot.js';
import type { Applier } from '../../libs/change/applier.js';
import { headKey } from '../../libs/change/state-keys.js';
import { INDEX_QUESTION } from '../../libs/pipeline/measures.js';
import type { Row } from '../../libs/schema/value-type.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { ReaderPlan } from './reader-plan.js';

/** Thrown in the middle of a step, and no fault of the record that the step was given (S23): the tick ends with its cause. */
export class StateUnreadable extends Error {
  override readonly name = 'StateUnreadable';

  constructor(cause: unknown) {
    super('the state cannot be read', { cause });
  }
}

/** Finds right rows of joins in the indexes of this partition, this tick's included (S24). */
export class IndexLookup {
  readonly #applier: Applier;
  readonly #codecs = new Map<number, RowCodec>();

  constructor(applier: Applier) {
    this.#applier = applier;
  }

  /** The index's newest row with t ≤ `eventTimeUs`. */
  newest({ id, dataset }: ReaderPlan, key: Uint8Array, eventTimeUs: number): Row | undefined {
    try {
      const instant = { asOfUs: eventTimeUs, knownAtUs: Number.POSITIVE_INFINITY };
      const [answer] = readWindows(this.#applier.shape(id), this.#applier.pages, headKey(slotOf(key), id, key), instant, [INDEX_QUESTION]);
      const bytes = answer !== null && typeof answer === 'object' ? answer[0] : undefined;
      return bytes instanceof Uint8Array ? this.#codecOf(id, dataset.fields).decode(bytes, 0) : undefined;
    } catch (cause) {
      throw new StateUnreadable(cause);
    }
  }

  #codecOf(id: number, fields: Parameters<typeof compileRowCodec>[0]): RowCodec {
    let codec = this.#codecs.get(id);
    if (codec === undefined) {
      codec = compileRowCodec(fields);
      this.#codecs.set(id, codec);
    }
    return codec;
  }
}
