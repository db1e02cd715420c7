import { ThymeError } from '../../libs/errors/errors.js';

export function checkDeadline(signal: AbortSignal): void {
  if (signal.aborted) throw passed();
}

/** What the promise gives, unless the caller's time is up before: an extractor that hangs holds no snapshot for ever. */
export async function untilDeadline<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  checkDeadline(signal);
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(passed());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function passed(): ThymeError {
  return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the deadline has passed, or the caller is gone');
}
