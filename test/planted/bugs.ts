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
  /** The file of the test that has to notice. */
  readonly suite: string;
  /** The test that has to notice: its title, or the part of it that does not vary. That another one fails counts for nothing. */
  readonly noticedBy: string;
}

const ORACLE = 'test/property/aggregator-oracle.test.ts';
const REPLICA = 'test/integration/replica-follows.test.ts';
const LOG = 'test/contract/log.test.ts';
const TIMELINE = 'test/property/timeline.test.ts';
const ENGINE = 'test/unit/query-engine.test.ts';
const SHELVES = 'test/property/shelf-cache.test.ts';
const TICKS = 'test/crash/tick-atomicity.test.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'commit positions before state',
    rules: 'S14, C1',
    replacements: [
      {
        file: 'libs/change/applier.ts',
        find: '    await this.#overlay.writeTo(batch);\n',
        replace:
          "    const early = this.#store.batch();\n    early.put(COMMIT_KEY, encodeCommit(commit));\n    await early.write({ sync: false });\n    crashPoint('applier.duringWrite');\n    await this.#overlay.writeTo(batch);\n",
      },
    ],
    suite: TICKS,
    noticedBy: 'whichever write of the store is the last one of the process (C1, S14)',
  },
  {
    name: 'apply before the decision point',
    rules: 'S14, A2',
    replacements: [
      {
        file: 'services/aggregator/tick-commit.ts',
        find: "  crashPoint('aggregator.beforeTransaction');\n",
        replace: "  await applier.commit(commit);\n  crashPoint('aggregator.beforeTransaction');\n",
      },
      { file: 'services/aggregator/tick-commit.ts', find: ', nextTurn().then(() => applier.prepare(commit))]', replace: ', nextTurn()]' },
      {
        file: 'services/aggregator/tick-commit.ts',
        find: "  crashPoint('aggregator.afterCommit');\n  await applier.commit(commit);\n",
        replace: "  crashPoint('aggregator.afterCommit');\n",
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'no fencing',
    rules: 'L4, A3',
    replacements: [{ file: 'libs/log/level/level-log.ts', find: 'if (newest !== epoch) throw', replace: 'if (newest < epoch) throw' }],
    suite: LOG,
    noticedBy: 'fences the older of two writers with one id (L4), and no other',
  },
  {
    name: 'no dedupe',
    rules: 'S13',
    replacements: [
      {
        file: 'services/aggregator/pipeline-run.ts',
        find: "if (verdict === 'seen') {",
        replace: "if (verdict === 'seen' && counters.read < 0) {",
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'a duplicate moves the watermark',
    rules: 'S10, S13',
    replacements: [
      {
        file: 'services/aggregator/pipeline-run.ts',
        find: "      if (verdict === 'seen') {\n",
        replace: "      if (verdict === 'seen') {\n        reader.lanes.observe(record.lane, record.appendTimeUs, record.appendTimeUs);\n",
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'window edge off by one: the oldest instant is left out',
    rules: 'S2',
    replacements: [{ file: 'libs/timeline/timeline-reader.ts', find: 'asOfUs - windowUs;', replace: 'asOfUs - windowUs + 1;' }],
    suite: TIMELINE,
    noticedBy: 'answers as a loop over its rows does, whatever the pages and flushes',
  },
  {
    name: 'window edge off by one: the instant itself is left out',
    rules: 'S2',
    replacements: [{ file: 'libs/timeline/timeline-reader.ts', find: 'toUs: asOfUs,', replace: 'toUs: asOfUs - 1,' }],
    suite: TIMELINE,
    noticedBy: 'answers as a loop over its rows does, whatever the pages and flushes',
  },
  {
    name: 'acknowledge before the append is durable',
    rules: 'S13, L2',
    replacements: [
      { file: 'libs/log/level/group-commit.ts', find: '      await writing;\n', replace: '      writing.catch(() => undefined);\n' },
    ],
    suite: 'test/contract/log-crash.test.ts',
    noticedBy: 'keeps every acknowledged record and whole transactions over SIGKILLs (L2, L3, S13, S14)',
  },
  {
    name: 'the tail keeps pieces of a shared pool',
    rules: 'a cache is bounded by its bytes',
    replacements: [
      { file: 'libs/log/level/record-batch.ts', find: 'Buffer.allocUnsafeSlow(length)', replace: 'Buffer.allocUnsafe(length)' },
    ],
    suite: 'test/unit/log-parts.test.ts',
    noticedBy: 'has memory of its own, so that the tail, which keeps it, keeps nothing else',
  },
  {
    name: 'acknowledge before the append',
    rules: 'S13, I1',
    replacements: [
      {
        file: 'services/ingest/append-batch.ts',
        find: '  for (const chunk of chunksOf(records)) nextOffset = (await log.append(target, chunk)) + chunk.length;\n',
        replace:
          '  for (const chunk of chunksOf(records)) {\n    nextOffset = (await log.endOffset(target)) + chunk.length;\n    void log.append(target, chunk);\n  }\n',
      },
    ],
    suite: 'test/unit/ingest.test.ts',
    noticedBy: 'answers when the records are durable, and not before (I1, S13)',
  },
  {
    name: 'replica ignores prevSeq',
    rules: 'C4, R1',
    replacements: [
      { file: 'libs/change/apply-batch.ts', find: 'if (prevSeq !== applier.seq) {', replace: 'if (prevSeq < applier.seq) {' },
      { file: 'libs/change/applier.ts', find: 'assert(commit.prevSeq === this.seq,', replace: 'assert(commit.prevSeq >= this.seq,' },
    ],
    suite: REPLICA,
    noticedBy: 'drops repeats, and asks again for what a gap left out (C4)',
  },
  {
    name: 'replica follows a stale owner',
    rules: 'R2',
    replacements: [
      {
        file: 'libs/replica/replica.ts',
        find: 'if (epoch < this.#epochExpected(applier, message))\n',
        replace: 'if (epoch < this.#epochExpected(applier, message) && epoch < 0)\n',
      },
    ],
    suite: REPLICA,
    noticedBy: 'does not apply what an owner of a lower epoch sends',
  },
  {
    name: 'replica keeps what contradicts the stream',
    rules: 'R3',
    replacements: [
      {
        file: 'libs/replica/replica.ts',
        find: '    if (batch.seq === applier.seq) requireAgreement(applier, batch);\n',
        replace: '    if (batch.seq < applier.seq) requireAgreement(applier, batch);\n',
      },
    ],
    suite: 'test/integration/replica-rebuilt.test.ts',
    noticedBy: 'is built anew when it contradicts the stream, and reads go on meanwhile',
  },
  {
    name: 'a snapshot is the current store before it is complete',
    rules: 'R4, S14',
    replacements: [
      {
        file: 'libs/replica/bootstrap.ts',
        find: '    await copySnapshot(',
        replace: '    await stores.adoptFresh();\n    await copySnapshot(',
      },
    ],
    suite: TICKS,
    noticedBy: 'is the old one until the snapshot is complete, whatever the process does (R4)',
  },
  {
    name: 'processing time for event time',
    rules: 'S1, S11',
    replacements: [
      {
        file: 'services/aggregator/pipeline-run.ts',
        find: 'this.#flow(reader, 0, {\n      eventTimeUs,\n',
        replace: 'this.#flow(reader, 0, {\n      eventTimeUs: appendTimeUs,\n',
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'lateness from the wall clock',
    rules: 'S10',
    replacements: [
      {
        file: 'services/aggregator/pipeline-run.ts',
        find: 'timeUs < watermarkUs - maxLatenessUs',
        replace: 'timeUs < this.#place.clockUs - maxLatenessUs',
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'a watermark goes back',
    rules: 'S10',
    replacements: [
      { file: 'services/aggregator/lane-watermarks.ts', find: 'if (candidateUs > before) {', replace: 'if (candidateUs !== before) {' },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'equal times in order of arrival',
    rules: 'S7',
    replacements: [
      {
        file: 'services/aggregator/pipeline-run.ts',
        find: 'add(key, { eventTimeUs, orderSource, orderOffset,',
        replace: 'add(key, { eventTimeUs, orderSource: 0, orderOffset: counters.applied,',
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'half a tick visible',
    rules: 'S14, S15',
    replacements: [{ file: 'libs/change/applier.ts', find: '    return this.#before?.reader ??', replace: '    return' }],
    suite: TICKS,
    noticedBy: 'for whoever reads while it is being written (S15)',
  },
  {
    name: 'a query mixes two ticks',
    rules: 'S15',
    replacements: [{ file: 'libs/replica/replica-tick.ts', find: '    this.#reader = this.#snapshot;\n', replace: '' }],
    suite: 'test/integration/query.test.ts',
    noticedBy: 'one query sees one tick while ticks are written',
  },
  {
    name: 'default applied twice: to what is not null as well',
    rules: 'S5',
    replacements: [
      { file: 'libs/feature/feature-plan.ts', find: 'answers[i] ?? target.fallback;', replace: 'answers[i] || target.fallback;' },
    ],
    suite: ENGINE,
    noticedBy: 'a default leaves alone what is no null, such as 0 (S5)',
  },
  {
    name: 'default applied twice: to what is taken from another featureset and not null',
    rules: 'S5',
    replacements: [
      { file: 'libs/feature/feature-plan.ts', find: 'row.values[step.from] ?? fallback;', replace: 'row.values[step.from] || fallback;' },
    ],
    suite: 'test/unit/feature-extractors.test.ts',
    noticedBy: 'from another featureset have nulls replaced by their own default, and nothing else, such as 0 (S5)',
  },
  {
    name: 'known_at forgotten',
    rules: 'S22',
    replacements: [
      {
        file: 'services/query/query-instant.ts',
        find: 'knownAtUs: knownAtUs ?? Number.POSITIVE_INFINITY,',
        replace: 'knownAtUs: Number.POSITIVE_INFINITY,',
      },
    ],
    suite: ENGINE,
    noticedBy: 'known_at leaves out what the log had not taken in by then (S22)',
  },
  {
    name: 'recovery reads on one record too late',
    rules: 'S13, S14',
    replacements: [
      {
        file: 'services/aggregator/timeline-feed.ts',
        find: 'this.nextOffset = start.cursor?.nextOffset ?? firstPlace',
        replace: 'this.nextOffset = start.cursor !== undefined ? start.cursor.nextOffset + 1 : firstPlace',
      },
    ],
    suite: ORACLE,
    noticedBy: 'answers, books and replicas agree on',
  },
  {
    name: 'a new pipeline starts at the end',
    rules: 'S18',
    replacements: [
      {
        file: 'services/aggregator/timeline-feed.ts',
        find: 'this.caughtUp = start.cursor?.caughtUp ?? false;',
        replace: 'this.caughtUp = start.cursor?.caughtUp ?? true;',
      },
    ],
    suite: 'test/integration/aggregator-pipelines.test.ts',
    noticedBy: 'a pipeline that comes later starts from the beginning, and is ready when it has caught up (S18)',
  },
  {
    name: 'what is replaced stops at once',
    rules: 'S18, S19',
    replacements: [
      {
        file: 'services/aggregator/retiring-readers.ts',
        find: '=> !staying.has(id) && ready.has(id));',
        replace: '=> !staying.has(id) && !ready.has(id));',
      },
    ],
    suite: 'test/integration/aggregator-retiring.test.ts',
    noticedBy: 'goes on until the other has its history',
  },
  {
    name: 'a carry-over begins anew after a restart',
    rules: 'S19a, S13',
    replacements: [
      {
        file: 'services/aggregator/upgrade-source.ts',
        find: 'this.place = cursor?.nextOffset ?? firstPlace(plan.fromHistory !== undefined);',
        replace: 'this.place = firstPlace(plan.fromHistory !== undefined);',
      },
    ],
    suite: 'test/integration/dataset-upgrade.test.ts',
    noticedBy: 'carries the records of the version before over, in order, before what is pushed to it',
  },
  {
    name: 'a timeline outlives the topic that it was built from',
    rules: 'S19a',
    replacements: [
      {
        file: 'services/registry/timeline-identities.ts',
        find: 'if (kept === undefined || !sameTopics(kept, wanted)) {',
        replace: 'if (kept === undefined) {',
      },
    ],
    suite: 'test/integration/registry-upgrades.test.ts',
    noticedBy: 'have timelines of their own, and a reader for what is carried, which no later revision drops',
  },
  {
    name: 'what a transform calls may change',
    rules: 'S19',
    replacements: [
      {
        file: 'libs/definition/reach.ts',
        find: 'if (this.#followed.has(binding)) return;',
        replace: 'if (!this.#followed.has(binding)) return;',
      },
    ],
    suite: 'test/unit/definition-reach.test.ts',
    noticedBy: 'counts: a constant that a helper reads',
  },
  {
    name: 'late values are forgotten when percentiles are read',
    rules: 'S9, S11',
    replacements: [
      {
        file: 'libs/timeline/percentiles.ts',
        find: 'if (item.page.hasLate(item.index)) late.push',
        replace: 'if (false && item.page.hasLate(item.index)) late.push',
      },
    ],
    suite: 'test/unit/timeline-late-values.test.ts',
    noticedBy: 'that wait beside a digest count in percentiles as all others do',
  },
  {
    name: 'a shelf keeps a page that a tick has written',
    rules: 'S15',
    replacements: [{ file: 'libs/timeline/page-shelf.ts', find: '      this.#remove(this.#leaves, id, leafBytes);\n', replace: '' }],
    suite: SHELVES,
    noticedBy: 'answer as the store does, after any ticks',
  },
  {
    name: "a reading that is held shares the next tick's shelf",
    rules: 'S15',
    replacements: [{ file: 'libs/change/shelf-cache.ts', find: 'shelf: kept.shelf.succeed(),', replace: 'shelf: kept.shelf,' }],
    suite: SHELVES,
    noticedBy: 'keep a reading that is under way at its tick, whatever is committed meanwhile (S15)',
  },
];
