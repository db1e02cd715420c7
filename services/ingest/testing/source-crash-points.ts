/**
 * The steps of a source's life and of its transaction, in their order, as the contract suite kills processes at them. The log's own
 * steps within a commit are among them: `log.*` on the embedded log, `transaction.*` on Kafka.
 */
export const SOURCE_CRASH_POINTS: readonly string[] = [
  'source.beforeFence',
  'source.afterFence',
  'source.afterOpen',
  'source.afterRead',
  'source.beforeCommit',
  'source.afterCommit',
];

/** With the pass at which each strikes: the second write of a process is its first transaction, behind its writer's epoch. */
export const EMBEDDED_KILLS: readonly string[] = [...SOURCE_CRASH_POINTS, 'log.beforeWrite:2', 'log.duringWrite:2', 'log.afterWrite:2'];
