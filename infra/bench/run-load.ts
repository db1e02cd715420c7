import { forkBench } from './bench-child.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { say } from './bench-report.js';

/** Runs the job in a load process. Rejects where it failed, and where an answer was wrong: a fast wrong answer is no figure. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  // As structured clones: JSON makes null of Infinity, which is a rate.
  const child = forkBench('load-process', [], { serialization: 'advanced' });
  const result = await new Promise<LoadResult>((resolve, reject) => {
    child.once('message', (message) => resolve(message as LoadResult)); // the one thing that it sends
    child.once('exit', (code) => reject(new Error(`the load process ended with ${String(code)} and without a result`)));
    child.send(job);
  });
  say(
    `${job.kind}: ${Math.round(result.achievedPerS)}/s of ${Number.isFinite(result.askedPerS) ? Math.round(result.askedPerS) : 'as many as it can'}, ${result.checked} answers checked`,
  );
  if (result.faults.length > 0) throw new Error(`wrong answers: ${result.faults.join('; ')}`);
  return result;
}
