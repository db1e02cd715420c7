// The load generator: a process of its own, so that what it costs is not measured as the server's. Takes one job from
// its parent, sends one result back, and ends.
import { runBareReads } from './load-bare.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { runFreshness } from './load-freshness.js';
import { runOffline } from './load-offline.js';
import { runPushes } from './load-pushes.js';
import { runGrpcReads, runRestReads } from './load-reads.js';

function run(job: LoadJob): Promise<LoadResult> {
  switch (job.kind) {
    case 'restReads':
      return runRestReads(job);
    case 'grpcReads':
      return runGrpcReads(job);
    case 'bareReads':
      return runBareReads(job);
    case 'pushes':
      return runPushes(job.url, job.load, job.seconds);
    case 'freshness':
      return runFreshness(job);
    case 'offline':
      return runOffline(job);
  }
}

process.once('disconnect', () => process.exit(1)); // the bench is gone
process.once('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
