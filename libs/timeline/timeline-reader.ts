// Reading a timeline: windows at an instant.
//
//   timeline-pages.ts  fetches each page at most once
//   cover.ts           finds what a window consists of: whole subtrees, and rows at its edges
//   window-view.ts     counts, sums, least and greatest, from partials and rows
//   last-values.ts     the newest values, from the newest row backwards
//   percentiles.ts     raw values or digests

import assert from 'node:assert/strict';
import { lastValues } from './last-values.js';
import { percentile, percentRank } from './percentiles.js';
import { TimelinePages } from './timeline-pages.js';
import type { Instant, PageReader, TimelineShape, WindowAnswer, WindowQuestion } from './timeline.js';
import { WindowView } from './window-view.js';

/**
 * Answers questions about one group, all of them at one instant and from one state of the pages (S15).
 * Synchronous, and one `get` for a small group. A group never written has nothing in its windows (S5).
 *
 * Sums are exactly rounded: one of ints that has left the safe range is greater than
 * MAX_SAFE_INTEGER in magnitude, and a float's that overflows is not finite; refusing them is the caller's (S8).
 */
export function readWindows(shape: TimelineShape, store: PageReader, headKey: Uint8Array, instant: Instant, questions: readonly WindowQuestion[]): WindowAnswer[] {
  const pages = new TimelinePages(shape, store, headKey);
  const views = new Map<number | null, WindowView>();
  return questions.map((question) => {
    let view = views.get(question.windowUs);
    if (view === undefined) {
      const fromUs = question.windowUs === null ? Number.NEGATIVE_INFINITY : instant.asOfUs - question.windowUs;
      view = new WindowView(pages, { fromUs, toUs: instant.asOfUs, knownAtUs: instant.knownAtUs });
      views.set(question.windowUs, view);
    }
    return answer(view, question);
  });
}

function answer(view: WindowView, question: WindowQuestion): WindowAnswer {
  switch (question.kind) {
    case 'count':
      return question.column === undefined ? view.rowCount() : view.partial(question.column).count;
    case 'lastK':
      return lastValues(view, question);
    default:
      assert(view.pages.layout.isNumber[question.column], `${question.kind} needs a column of numbers`);
      return answerNumber(view, question);
  }
}

function answerNumber(view: WindowView, question: Exclude<WindowQuestion, { kind: 'count' | 'lastK' }>): number | null {
  const partial = view.partial(question.column);
  switch (question.kind) {
    case 'sum':
      return view.sum(question.column);
    case 'avg':
      return partial.count === 0 ? null : view.sum(question.column) / partial.count;
    case 'min':
      return partial.count === 0 ? null : partial.min;
    case 'max':
      return partial.count === 0 ? null : partial.max;
    case 'percentile':
      return percentile(view, question.column, question.pct);
    case 'percentRank':
      return percentRank(view, question.column);
  }
}
