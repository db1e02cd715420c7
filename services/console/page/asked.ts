import { useEffect, useState } from 'preact/hooks';

/** An answer on its way. While it is asked again the last one stays. */
export type Asked<T> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'answered'; readonly value: T; readonly readMs: number }
  | { readonly kind: 'failed'; readonly error: Error };

export interface AskedOptions {
  /** Asked again after so long; in a hidden tab it waits until it is seen. Once, when absent. */
  readonly everyMs?: number;
}

/** Asks when one of `causes` changes; what was asked before is aborted and can answer no more. */
export function useAsked<T>(
  question: (signal: AbortSignal) => Promise<T>,
  causes: readonly unknown[],
  { everyMs }: AskedOptions = {},
): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({ kind: 'waiting' });
  useEffect(() => {
    const stopping = new AbortController();
    void keepAsking(question, setAsked, { everyMs, signal: stopping.signal });
    return () => stopping.abort();
  }, causes);
  return asked;
}

async function keepAsking<T>(
  question: (signal: AbortSignal) => Promise<T>,
  tell: (asked: Asked<T>) => void,
  { everyMs, signal }: { readonly everyMs: number | undefined; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const value = await question(signal);
      if (signal.aborted) return;
      tell({ kind: 'answered', value, readMs: performance.now() });
    } catch (error) {
      if (signal.aborted) return;
      tell({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
    }
    if (everyMs === undefined) return;
    await pause(everyMs, signal);
    await untilSeen(signal);
  }
}

/** Resolves early when the signal aborts; leaves no listener behind, since a page that is open all day pauses often. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      window.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = window.setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

function untilSeen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}
