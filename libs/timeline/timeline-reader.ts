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
import type { PageReader } from './page-access.js';
import type { Instant, TimelineShape, WindowAnswer, WindowQuestion } from './timeline.js';
import { WindowView } from './window-view.js';

/**
 * Answers questions about one group, all of them at one instant and from one state of the pages (S15).
 * Synchronous, and one `get` for a small group. A group never written has nothing in its windows (S5).
 *
 * Sums are exactly rounded: one of ints that has left the safe range is greater than
 * MAX_SAFE_INTEGER in magnitude, and a float's that overflows is not finite; refusing them is the caller's (S8). A mean is
 * finite whatever the sum is.
 */
export function readWindows(
  shape: TimelineShape,
  store: PageReader,
  headKey: Uint8Array,
  instant: Instant,
  questions: readonly WindowQuestion[],
): WindowAnswer[] {
  const reading = new TimelineReading(new TimelinePages(shape, store, headKey), instant);
  return questions.map((question) => reading.answer(question));
}

/** One group at one instant, for whoever asks several times: what was fetched and computed for one question serves the next. */
export class TimelineReading {
  readonly #pages: TimelinePages;
  readonly #instant: Instant;
  readonly #views = new Map<number | null, WindowView>();

  /** Readings at several instants may share their pages. */
  constructor(pages: TimelinePages, instant: Instant) {
    this.#pages = pages;
    this.#instant = instant;
  }

  answer(question: WindowQuestion): WindowAnswer {
    return answer(this.#view(question.windowUs), question);
  }

  #view(windowUs: number | null): WindowView {
    let view = this.#views.get(windowUs);
    if (view === undefined) {
      const { asOfUs, knownAtUs } = this.#instant;
      const fromUs = windowUs === null ? Number.NEGATIVE_INFINITY : asOfUs - windowUs;
      view = new WindowView(this.#pages, { fromUs, toUs: asOfUs, knownAtUs });
      this.#views.set(windowUs, view);
    }
    return view;
  }
}

function answer(view: WindowView, question: WindowQuestion): WindowAnswer {
  switch (question.kind) {
    case 'count':
      return question.column === undefined ? view.rowCount() : view.range(question.column).count;
    case 'lastK':
      return lastValues(view, question);
    default:
      assert(view.pages.layout.isNumber[question.column], `${question.kind} needs a column of numbers`);
      return answerNumber(view, question);
  }
}

function answerNumber(view: WindowView, question: Exclude<WindowQuestion, { kind: 'count' | 'lastK' }>): number | null {
  switch (question.kind) {
    case 'sum':
      return view.sum(question.column);
    case 'avg':
      return view.mean(question.column);
    case 'min':
    case 'max': {
      const range = view.range(question.column);
      return range.count === 0 ? null : range[question.kind];
    }
    case 'percentile':
      return percentile(view, question.column, question.pct);
    case 'percentRank':
      return percentRank(view, question.column);
  }
}
