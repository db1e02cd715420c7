// Definitions whose every text tries to be markup. Nothing of it may run where it is shown.
import { Count, LastK, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { ExtractorContext, Stream } from 'thyme';

export const MARKUP = `"><img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script><a href="javascript:globalThis.hit=1">x</a>`;

@dataset({ version: 1, index: true, description: MARKUP, owner: MARKUP, tags: [MARKUP] })
export class Visit {
  @key(t.string) visitor!: string;
  @field(t.string) page!: string;
  @timestamp() seen_at!: Date;
}

@dataset({ version: 1, index: true, description: MARKUP })
export class Visitor {
  @key(t.string) visitor!: string;
  @field(t.int) visits_1h!: number;
  @field(t.list(t.string)) pages!: string[];
  @timestamp() seen_at!: Date;

  @pipeline({ version: 1, inputs: [Visit] })
  static visits(visits: Stream<Visit>) {
    return visits
      .filter((visit) => visit.page.ne(MARKUP))
      .groupBy('visitor')
      .aggregate({ visits_1h: Count({ window: '1h' }), pages: LastK({ of: 'page', k: 3, window: '1d' }) });
  }
}

@featureset({ entity: 'visitor', description: MARKUP, owner: MARKUP })
export class VisitorPages {
  @feature(t.string, { id: 1 }) visitor!: string;
  @feature(t.int, { id: 2, ref: [Visitor, 'visits_1h'], description: MARKUP }) visits_1h!: number;
  @feature(t.list(t.string), { id: 3, ref: [Visitor, 'pages'] }) pages!: string[];
  @feature(t.string, { id: 4, description: MARKUP }) greeting!: string;

  @extractor({ inputs: ['visitor'], outputs: ['greeting'] })
  static greet(_: ExtractorContext, { visitor }: Pick<VisitorPages, 'visitor'>) {
    return { greeting: `hello ${visitor}` };
  }
}
