// The entry module `thyme`: the words that definitions are written in, and nothing else.
//
//   type-words.ts            t.string, t.list(...)        field-fit.ts     does a field hold its type?
//   dataset-decorators.ts    @dataset, @key, @pipeline    method-fit.ts    does a method give what it must?
//   featureset-decorators.ts @featureset, @extractor      column.ts        types of expressions
//   aggregation-words.ts     Count, Sum, ...              stream.ts        types of streams
//
// marks.ts is what the decorators leave on a class; collect.ts turns it into plain definitions.

// Before any class of the user's is decorated: Node 20 lacks the symbol, and compiled output then
// has no metadata. It stands here and not in a module of its own, which could be shaken out.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');

export { dataset, expectations, field, key, pipeline, source, timestamp } from './dataset-decorators.js';
export { extractor, feature, featureset, input } from './featureset-decorators.js';
export { ApproxPercentile, Avg, Count, Last, LastK, Max, Min, Sum } from './aggregation-words.js';
export { col, lit } from './recorded-expression.js';
export { Decimal } from './decimal.js';
export { expect } from './expect.js';
export { secret } from './secret.js';
export { t } from './type-words.js';
export type { Aggregation } from './aggregation-words.js';
export type { Column, Columns, Expr, Predicate } from './column.js';
export type { EntityKey, ExtractorContext } from './extractor-context.js';
export type { RowExpectation } from './expect.js';
export type { Input } from './field-fit.js';
export type { Class, Duration, Row } from './names.js';
export type { Secret } from './secret.js';
export type { Aggregated, Grouped, Looked, Stream } from './stream.js';
export type { AnyType, Type } from './type-words.js';
