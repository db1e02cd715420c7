// Bugs that somebody could write, one at a time (RELIABILITY 8). Each is an exact replacement in a copy of the
// tree; a text that is not there exactly once fails the suite, so that no bug goes stale unseen.

export interface Replacement {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  /** The rules that it breaks. */
  readonly rules: string;
  readonly replacements: readonly Replacement[];
  /** The suites that have to notice; each runs a few seconds. */
  readonly suites: readonly string[];
}

const ORACLE = 'test/property/aggregator-oracle.test.ts';
const REPLICA = 'test/integration/replica-follows.test.ts';
const LOG = 'test/contract/log.test.ts';
const TIMELINE = 'test/property/timeline.test.ts';
const QUERY = 'test/integration/query.test.ts';
const PARITY = 'test/property/query-parity.test.ts';
const SHELVES = 'test/property/shelf-cache.test.ts';
const TICKS = 'test/crash/tick-atomicity.test.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'commit positions before state', rules: 'S14, C1',
    replacements: [{
      file: 'libs/change/applier.ts',
      find: '    await this.#overlay.writeTo(batch);\n',
      replace: '    const early = this.#store.batch();\n    early.put(COMMIT_KEY, encodeCommit(commit));\n    await early.write({ sync: false });\n    crashPoint(\'applier.duringWrite\');\n    await this.#overlay.writeTo(batch);\n',
    }],
    suites: [TICKS],
  },
  {
    name: 'apply before the decision point', rules: 'S14, A2',
    replacements: [{
      file: 'services/aggregator/tick-commit.ts',
      find: "  crashPoint('aggregator.beforeTransaction');\n",
      replace: "  await applier.commit(commit);\n  crashPoint('aggregator.beforeTransaction');\n",
    }, {
      file: 'services/aggregator/tick-commit.ts',
      find: ', nextTurn().then(() => applier.prepare(commit))]',
      replace: ', nextTurn()]',
    }, {
      file: 'services/aggregator/tick-commit.ts',
      find: "  crashPoint('aggregator.afterCommit');\n  await applier.commit(commit);\n",
      replace: "  crashPoint('aggregator.afterCommit');\n",
    }],
    suites: [ORACLE],
  },
  {
    name: 'no fencing', rules: 'L4, A3',
    replacements: [{ file: 'libs/log/level-log.ts', find: 'if (newest !== epoch) throw', replace: 'if (newest < epoch) throw' }],
    suites: [LOG],
  },
  {
    name: 'no dedupe', rules: 'S13',
    replacements: [{ file: 'services/aggregator/pipeline-run.ts', find: "if (verdict === 'seen') {", replace: "if (verdict === 'seen' && counters.read < 0) {" }],
    suites: [ORACLE],
  },
  {
    name: 'a duplicate moves the watermark', rules: 'S10, S13',
    replacements: [{ file: 'services/aggregator/pipeline-run.ts', find: "      if (verdict === 'seen') {\n", replace: "      if (verdict === 'seen') {\n        reader.lanes.observe(record.lane, record.appendTimeUs, record.appendTimeUs);\n" }],
    suites: [ORACLE],
  },
  {
    name: 'window edge off by one: the oldest instant is left out', rules: 'S2',
    replacements: [{ file: 'libs/timeline/timeline-reader.ts', find: 'asOfUs - windowUs;', replace: 'asOfUs - windowUs + 1;' }],
    suites: [TIMELINE],
  },
  {
    name: 'window edge off by one: the instant itself is left out', rules: 'S2',
    replacements: [{ file: 'libs/timeline/timeline-reader.ts', find: 'toUs: asOfUs,', replace: 'toUs: asOfUs - 1,' }],
    suites: [TIMELINE],
  },
  {
    name: 'acknowledge before the append is durable', rules: 'S13, L2',
    replacements: [{ file: 'libs/log/group-commit.ts', find: '      await writing;\n', replace: '      writing.catch(() => undefined);\n' }],
    suites: ['test/contract/log-crash.test.ts'],
  },
  {
    name: 'the tail keeps pieces of a shared pool', rules: 'a cache is bounded by its bytes',
    replacements: [{ file: 'libs/log/record-batch.ts', find: 'Buffer.allocUnsafeSlow(length)', replace: 'Buffer.allocUnsafe(length)' }],
    suites: ['test/unit/log-parts.test.ts'],
  },
  {
    name: 'acknowledge before the append', rules: 'S13, I1',
    replacements: [{ file: 'services/ingest/append-batch.ts', find: '  for (const chunk of chunksOf(records)) nextOffset = (await log.append(target, chunk)) + chunk.length;\n', replace: '  for (const chunk of chunksOf(records)) {\n    nextOffset = (await log.endOffset(target)) + chunk.length;\n    void log.append(target, chunk);\n  }\n' }],
    suites: ['test/unit/ingest.test.ts', 'test/property/ingest.test.ts'],
  },
  {
    name: 'replica ignores prevSeq', rules: 'C4, R1',
    replacements: [
      { file: 'libs/change/apply-batch.ts', find: 'if (prevSeq !== applier.seq) {', replace: 'if (prevSeq < applier.seq) {' },
      { file: 'libs/change/applier.ts', find: 'assert(commit.prevSeq === this.seq,', replace: 'assert(commit.prevSeq >= this.seq,' },
    ],
    suites: [REPLICA],
  },
  {
    name: 'replica follows a stale owner', rules: 'R2',
    replacements: [{ file: 'libs/replica/replica.ts', find: 'if (epoch < this.#epochExpected(applier, message)) return', replace: 'if (epoch < this.#epochExpected(applier, message) && epoch < 0) return' }],
    suites: [REPLICA],
  },
  {
    name: 'replica keeps what contradicts the stream', rules: 'R3',
    replacements: [{ file: 'libs/replica/replica.ts', find: '    if (batch.seq === applier.seq) requireAgreement(applier, batch);\n', replace: '    if (batch.seq < applier.seq) requireAgreement(applier, batch);\n' }],
    suites: [REPLICA],
  },
  {
    name: 'a snapshot is the current store before it is complete', rules: 'R4, S14',
    replacements: [{ file: 'libs/replica/bootstrap.ts', find: '    await copySnapshot(', replace: '    await stores.adoptFresh();\n    await copySnapshot(' }],
    suites: [TICKS],
  },
  {
    name: 'processing time for event time', rules: 'S1, S11',
    replacements: [{ file: 'services/aggregator/pipeline-run.ts', find: 'this.#flow(reader, 0, { eventTimeUs, appendTimeUs,', replace: 'this.#flow(reader, 0, { eventTimeUs: appendTimeUs, appendTimeUs,' }],
    suites: [ORACLE],
  },
  {
    name: 'lateness from the wall clock', rules: 'S10',
    replacements: [{ file: 'services/aggregator/pipeline-run.ts', find: 'record.eventTimeUs < watermarkUs - maxLatenessUs', replace: 'record.eventTimeUs < this.#place.clockUs - maxLatenessUs' }],
    suites: [ORACLE],
  },
  {
    name: 'a watermark goes back', rules: 'S10',
    replacements: [{ file: 'services/aggregator/lane-watermarks.ts', find: 'if (candidateUs > before) {', replace: 'if (candidateUs !== before) {' }],
    suites: [ORACLE],
  },
  {
    name: 'equal times in order of arrival', rules: 'S7',
    replacements: [{ file: 'services/aggregator/pipeline-run.ts', find: "add(key, { eventTimeUs, orderSource, orderOffset,", replace: "add(key, { eventTimeUs, orderSource: 0, orderOffset: counters.applied,", }],
    suites: [ORACLE],
  },
  {
    name: 'half a tick visible', rules: 'S14, S15',
    replacements: [{ file: 'libs/change/applier.ts', find: '    return this.#before?.reader ??', replace: '    return' }],
    suites: [TICKS],
  },
  {
    name: 'a query mixes two ticks', rules: 'S15',
    replacements: [{ file: 'services/query/query-tick.ts', find: '    this.#reader = this.#snapshot;\n', replace: '' }],
    suites: [QUERY, PARITY],
  },
  {
    name: 'default applied twice: to what is not null as well', rules: 'S5',
    replacements: [{ file: 'libs/feature/feature-plan.ts', find: 'answers[i] ?? target.fallback;', replace: 'answers[i] || target.fallback;' }],
    suites: ['test/unit/query-engine.test.ts'],
  },
  {
    name: 'default applied twice: to what is taken from another featureset and not null', rules: 'S5',
    replacements: [{ file: 'libs/feature/feature-plan.ts', find: 'row.values[step.from] ?? fallback;', replace: 'row.values[step.from] || fallback;' }],
    suites: ['test/unit/feature-extractors.test.ts'],
  },
  {
    name: 'known_at forgotten', rules: 'S22',
    replacements: [{ file: 'services/query/query-instant.ts', find: 'knownAtUs: knownAtUs ?? Number.POSITIVE_INFINITY,', replace: 'knownAtUs: Number.POSITIVE_INFINITY,' }],
    suites: ['test/unit/query-engine.test.ts', QUERY, PARITY],
  },
  {
    name: 'recovery reads on one record too late', rules: 'S13, S14',
    replacements: [{ file: 'services/aggregator/reader.ts', find: 'this.nextOffset = start.cursor?.nextOffset ?? 0;', replace: 'this.nextOffset = start.cursor === undefined ? 0 : start.cursor.nextOffset + 1;' }],
    suites: [ORACLE],
  },
  {
    name: 'a new pipeline starts at the end', rules: 'S18',
    replacements: [{ file: 'services/aggregator/reader.ts', find: 'this.caughtUp = start.cursor?.caughtUp ?? false;', replace: 'this.caughtUp = start.cursor?.caughtUp ?? true;' }],
    suites: ['test/integration/aggregator-pipelines.test.ts'],
  },
  {
    name: 'what is replaced stops at once', rules: 'S18, S19',
    replacements: [{ file: 'services/aggregator/retiring-readers.ts', find: 'if (!ready.has(reader.id) ||', replace: 'if (ready.has(reader.id) ||' }],
    suites: ['test/integration/aggregator-retiring.test.ts'],
  },
  {
    name: 'late values are forgotten when percentiles are read', rules: 'S9, S11',
    replacements: [{ file: 'libs/timeline/percentiles.ts', find: 'if (item.page.hasLate(item.index)) late.push', replace: 'if (false && item.page.hasLate(item.index)) late.push' }],
    suites: ['test/unit/timeline-pages.test.ts'],
  },
  {
    name: 'a shelf keeps a page that a tick has written', rules: 'S15',
    replacements: [{ file: 'libs/timeline/page-shelf.ts', find: '      this.#remove(this.#leaves, id, leafBytes);\n', replace: '' }],
    suites: [SHELVES],
  },
  {
    name: 'a reading that is held shares the next tick\'s shelf', rules: 'S15',
    replacements: [{ file: 'libs/change/shelf-cache.ts', find: 'shelf: kept.shelf.succeed(),', replace: 'shelf: kept.shelf,' }],
    suites: [SHELVES],
  },
];
