import { setImmediate as nextTurn } from 'node:timers/promises';

const DEADLINE_MS = 20_000;

/** Resolves when it holds; fails the test, and says what did not happen, when that takes longer than any busy machine should. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error(`it did not happen in ${DEADLINE_MS} ms: ${what}`);
    await nextTurn();
  }
}
