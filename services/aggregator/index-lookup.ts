import { compileRowCodec, type RowCodec } from '../../libs/codec/row-codec.js';
import { slotOf } from '../../libs/codec/slot.js';
import type { Applier } from '../../libs/change/applier.js';
import { headKey } from '../../libs/change/state-keys.js';
import { INDEX_QUESTION } from '../../libs/pipeline/measures.js';
import type { Row } from '../../libs/schema/value-type.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { RevisionPlan } from './reader-plan.js';

/** Finds right rows of joins in the indexes of this partition, this tick's included (S24). */
export class IndexLookup {
  readonly #plan: RevisionPlan;
  readonly #applier: Applier;
  readonly #codecs = new Map<string, RowCodec>();

  constructor(plan: RevisionPlan, applier: Applier) {
    this.#plan = plan;
    this.#applier = applier;
  }

  /** The dataset's newest row with t ≤ `eventTimeUs`. */
  newest(dataset: string, key: Uint8Array, eventTimeUs: number): Row | undefined {
    const index = this.#plan.indexOf.get(dataset);
    if (index === undefined) return undefined;
    const instant = { asOfUs: eventTimeUs, knownAtUs: Number.POSITIVE_INFINITY };
    const [answer] = readWindows(this.#applier.shape(index.id), this.#applier.pages, headKey(slotOf(key), index.id, key), instant, [INDEX_QUESTION]);
    const bytes = answer !== null && typeof answer === 'object' ? answer[0] : undefined;
    return bytes instanceof Uint8Array ? this.#codecOf(dataset, index.dataset.fields).decode(bytes, 0) : undefined;
  }

  #codecOf(dataset: string, fields: Parameters<typeof compileRowCodec>[0]): RowCodec {
    let codec = this.#codecs.get(dataset);
    if (codec === undefined) {
      codec = compileRowCodec(fields);
      this.#codecs.set(dataset, codec);
    }
    return codec;
  }
}
