// The entry module `thyme/testing`: a deployment inside a test, without a server, a port or a folder.
//
//   open-test-platform.ts - puts it together
//   test-platform.ts     - what a test does with it: add rows, ask, look at what became of them; test-results.ts - what it is told
//   test-revision.ts     - the classes, checked and committed as the registry decides it
//   memory-partitions.ts - the aggregator's own tasks over a log and stores in memory, ticked until nothing is left to do
//   test-rows.ts         - rows of the classes as clients push them, and answers as the classes declare them
//   test-clock.ts        - the clock, which moves when told
//   extract.ts           - a featureset's extractors alone
//
// Ingest, tasks, timelines and the query engine are those of a deployment: a test cannot see another answer than production gives.
export { extract, type ExtractOptions } from './extract.js';
export { testPlatform, type TestPlatformOptions } from './open-test-platform.js';
export type {
  Added,
  AddOptions,
  DeadLetter,
  ExpectationResult,
  Pushed,
  ReaderBooks,
  TestAnswer,
  TestClock,
  TestOfflineQuestion,
  TestOfflineRow,
  TestPlatform,
  TestReadOptions,
} from './test-results.js';
