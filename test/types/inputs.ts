import { featureset, feature, input, extractor, t, type Input, type ExtractorContext } from '../../libs/definition/thyme.js';
import type { ThymeClient } from './client.js';
@featureset({ entity: 'user_id' }) export class G {
  @feature(t.string, { id: 8 }) user_id!: string;
  @input(t.bool, { id: 2 }) vip!: Input<boolean>;
  @input(t.float.optional, { id: 3 }) tip!: Input<number | null>;
  @input(t.enum('web', 'app'), { id: 4 }) channel!: Input<'web' | 'app'>;
  @input(t.list(t.string), { id: 5 }) tags!: Input<string[]>;
  // @ts-expect-error null lost
  @input(t.float.optional, { id: 6 }) tip2!: Input<number>;
  @feature(t.float, { id: 7 }) out!: number;
  @extractor({ inputs: ['vip', 'tip', 'channel', 'tags'], outputs: ['out'] })
  static x(_: ExtractorContext, { vip, tip, channel, tags }: Pick<G, 'vip' | 'tip' | 'channel' | 'tags'>) {
    // @ts-expect-error tip may be null
    tip.toFixed();
    const c: 'web' | 'app' = channel; if (channel === 'web') return { out: 1 };
    const only: 'app' = channel; void [c, only];
    return { out: (vip ? 1 : 0) + (tip ?? 0) + tags.length };
  }
}
declare const client: ThymeClient;
await client.query(G, 'u', { inputs: { vip: true, tip: null, channel: 'web', tags: ['a'], tip2: 1 } });
// @ts-expect-error wrong constant
await client.query(G, 'u', { inputs: { vip: true, tip: null, channel: 'tv', tags: ['a'], tip2: 1 } });
const { features } = await client.query(G, 'u', { inputs: { vip: true, tip: null, channel: 'web', tags: ['a'], tip2: 1 } });
const v: boolean = features.vip; const w: number | null = features.tip; const tags: string[] = features.tags; void [v, w, tags];
