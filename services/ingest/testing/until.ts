import { systemClock } from '../../../libs/time/clock.js';

/** What a loaded machine may take for anything that the suite waits for. */
const DEADLINE_MS = 45_000;
const POLL_MS = 10;
const NEVER = new AbortController().signal;

/** Resolves once it holds; rejects with what was waited for where that takes longer than DEADLINE_MS. */
export async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadlineUs = systemClock.nowUs() + DEADLINE_MS * 1_000;
  while (!(await holds())) {
    if (systemClock.nowUs() > deadlineUs) throw new Error(`it did not happen in ${DEADLINE_MS} ms: ${what()}`);
    await systemClock.sleep(POLL_MS, NEVER);
  }
}
