// Bugs in the Kafka driver and in what a fleet makes of it, one at a time like those of bugs.ts. Each suite runs on a real broker.
import type { PlantedBug } from './bugs.js';

const DRIVER = 'test/kafka/driver.kafka.ts';
const CONTRACT = 'test/kafka/log.kafka.ts';
const FAULTS = 'test/kafka/faults.kafka.ts';
const HANGING = 'test/kafka/hanging.kafka.ts';
const MEMBERSHIP = 'test/kafka/membership.kafka.ts';
const RECOVERY = 'test/kafka/recovery.kafka.ts';

export const PLANTED_KAFKA_BUGS: readonly PlantedBug[] = [
  {
    name: 'readers see what was aborted',
    rules: 'L3',
    replacements: [
      {
        file: 'libs/log/kafka/aborted-filter.ts',
        find: '    return !(batch.transactional && aborting.has(batch.producerId));\n',
        replace: '    return batch.producerId !== undefined;\n',
      },
    ],
    suite: DRIVER,
    noticedBy: 'shows no aborted record of writers that interleave on a partition, however small the reads (L3)',
  },
  {
    name: 'an abort ends the dropping for every producer',
    rules: 'L3',
    replacements: [
      {
        file: 'libs/log/kafka/aborted-filter.ts',
        find: 'if (isAbortMarker(batch)) aborting.delete(batch.producerId);',
        replace: 'if (isAbortMarker(batch)) aborting.clear();',
      },
    ],
    suite: DRIVER,
    noticedBy: 'shows no record of an aborted writer behind the end of another one that was aborted (L3)',
  },
  {
    name: 'to be fenced is a failure like any other',
    rules: 'L4, A3',
    replacements: [
      { file: 'libs/log/kafka/errors.ts', find: 'const FENCED = new Set([47, 49, 90]);', replace: 'const FENCED = new Set<number>();' },
    ],
    suite: CONTRACT,
    noticedBy: 'fences the older of two writers with one id (L4), and no other',
  },
  {
    name: 'records go out beside the transaction',
    rules: 'L3, S14',
    replacements: [{ file: 'libs/log/kafka/transaction.ts', find: 'transactional: true,', replace: 'transactional: false,' }],
    suite: FAULTS,
    noticedBy: 'of Produce is lost, and a dead writer (L3)',
  },
  {
    name: 'a commit of unknown outcome is sent again',
    rules: 'L2, L4',
    replacements: [
      {
        file: 'libs/log/kafka/transaction.ts',
        find: "    return this.#step(['stale', 'busy'], async () => {\n      const { errorCode }",
        replace: "    return this.#step(['stale', 'busy', 'connection'], async () => {\n      const { errorCode }",
      },
      {
        file: 'libs/log/kafka/transaction.ts',
        find: "        if (failure === 'stale') this.#coordinator = undefined;",
        replace: "        if (failure === 'connection') this.#cluster.forgetConnections();\n        this.#coordinator = undefined;",
      },
    ],
    suite: FAULTS,
    noticedBy: 'does not know how a commit ended whose answer is lost, and the next writer does (L2, L4)',
  },
  {
    name: 'an append is sent again under another producer id',
    rules: 'L2, S13',
    replacements: [
      {
        file: 'libs/log/kafka/appends.ts',
        find: '      return await retrying(() => this.#send(target, batch), retry);\n',
        replace:
          '      let sent = batch;\n      return await retrying(() => this.#send(target, sent), { ...retry, onFailure: (failure: string) => {\n        this.#forget(failure, target);\n        sent = encodeRecordBatch(records, { producerId: producerId + 1_000, producerEpoch, baseSequence: 0, transactional: false, timestampMs: 0 });\n      } });\n',
      },
    ],
    suite: FAULTS,
    noticedBy: 'stores an append once whose answer is lost (L2)',
  },
  {
    name: 'a writer goes on after a failed commit',
    rules: 'L2, L3',
    replacements: [
      { file: 'libs/log/log-writer.ts', find: "this.#state = { kind: 'dead', cause };", replace: "this.#state = { kind: 'ready' };" },
    ],
    suite: FAULTS,
    noticedBy: 'of AddPartitionsToTxn is lost, and a dead writer (L3)',
  },
  {
    name: 'a transaction without markers is left for the next one to end',
    rules: 'L3, L4',
    replacements: [
      {
        file: 'libs/log/kafka/transaction.ts',
        find: 'if (found !== undefined) await transactions.#endHanging(last ?? found);',
        replace: 'if (found === undefined) await transactions.#endHanging(last ?? found!);',
      },
    ],
    suite: HANGING,
    noticedBy: 'is committed where it was decided so, before the next writer reads (L3, L4)',
  },
  {
    name: 'what hangs is committed, however it was decided',
    rules: 'L3',
    replacements: [
      {
        file: 'libs/log/kafka/transaction.ts',
        find: "this.#endTransaction(state === 'CompleteCommit')",
        replace: 'this.#endTransaction(true)',
      },
    ],
    suite: HANGING,
    noticedBy: 'is aborted where nobody was told of a commit, and is not committed by the next one',
  },
  {
    name: 'what was trimmed passes for nothing',
    rules: 'L2, R4',
    replacements: [
      {
        file: 'libs/log/kafka/reader.ts',
        find: 'if (offset < start) throw logTrimmed(',
        replace: 'if (offset < start && offset < 0) throw logTrimmed(',
      },
    ],
    suite: DRIVER,
    noticedBy: 'says that what was trimmed is gone',
  },
  {
    name: 'a changelog that begins later is searched from its first offset',
    rules: 'R4, DESIGN 5',
    replacements: [
      {
        file: 'libs/change/changelog.ts',
        find: "error.code === 'THYME_LOG_TRIMMED') return 'trimmed';",
        replace: "error.code === '') return 'trimmed';",
      },
    ],
    suite: RECOVERY,
    noticedBy: 'gives a replica a snapshot whose changelog was trimmed',
  },
  {
    name: 'sequences of a producer never begin again',
    rules: 'L2',
    replacements: [{ file: 'libs/log/kafka/producer-id.ts', find: '(base + count) % SEQUENCES', replace: 'base + count' }],
    suite: DRIVER,
    noticedBy: 'takes a producer past 2^31 records of a partition, and stores what is sent again once',
  },
  {
    name: 'acquire reads before it fences',
    rules: 'L4, A3, S13',
    replacements: [
      {
        file: 'services/aggregator/acquire.ts',
        find: '  const writer = await log.writer(aggregatorWriterId(deployment, partition));\n',
        replace:
          '  const applier = await Applier.open(store);\n  events.onApplier(applier);\n  await replay(environment, applier, events);\n  const writer = await log.writer(aggregatorWriterId(deployment, partition));\n',
      },
      {
        file: 'services/aggregator/acquire.ts',
        find: '    const applier = await Applier.open(store);\n    events.onApplier(applier);\n    await replay(environment, applier, events);\n    await checkInputs(environment, applier);\n',
        replace: '',
      },
    ],
    suite: RECOVERY,
    noticedBy: 'reads after it has fenced, so that what the old owner committed last is not done twice (L4, A3)',
  },
  {
    name: 'an owner takes a store that its changelog does not reach',
    rules: 'A2',
    replacements: [{ file: 'services/aggregator/acquire.ts', find: '  if (!found) {\n', replace: '  if (!found && stored < 0) {\n' }],
    suite: RECOVERY,
    noticedBy: 'refuses a store that is ahead of its changelog, as after a topic was made anew, and says so',
  },
  {
    name: 'a replica stays with the owner that it once had',
    rules: 'R1, DESIGN 5',
    replacements: [
      { file: 'libs/replica/owner-directory.ts', find: 'if (ended) directory.forget();', replace: 'if (!ended) directory.forget();' },
    ],
    suite: RECOVERY,
    noticedBy: 'follows a new owner when the stream of the old one ends, without being told who it is',
  },
  {
    name: 'a partition is given away before its owner has let go',
    rules: 'M1',
    replacements: [
      {
        file: 'libs/log/kafka/partition-assignment.ts',
        find: 'target.filter((partition) => (ownerOf.get(partition) ?? member) === member).toSorted',
        replace: 'target.toSorted',
      },
    ],
    suite: MEMBERSHIP,
    noticedBy: 'gives a partition away only after its owner has let go (M1)',
  },
  {
    name: 'partitions are dealt out anew at each change',
    rules: 'M2',
    replacements: [
      {
        file: 'libs/log/kafka/partition-assignment.ts',
        find: '  for (const share of shares) keepOwned(share);\n',
        replace: '  for (const share of shares) if (share.quota < 0) keepOwned(share);\n',
      },
    ],
    suite: MEMBERSHIP,
    noticedBy: 'brings partitions back to those who have them on their disk (M2)',
  },
];
