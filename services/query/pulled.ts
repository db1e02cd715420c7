import { ThymeError } from '../../libs/errors/errors.js';

/** Hands one item over; resolves when the next one is wanted, and rejects where nobody takes it any more. */
export type Hand<T> = (item: T) => Promise<void>;

interface Offer<T> {
  readonly item: T;
  readonly taken: () => void;
  readonly refuse: (reason: Error) => void;
}

/**
 * What is produced piece by piece, as an iterator that is no faster than its reader; it ends when
 * `produce` does. A reader who leaves early makes the next hand-over fail, and so ends the production.
 */
export async function* pulled<T>(produce: (hand: Hand<T>) => Promise<void>): AsyncGenerator<T, void> {
  let offered: Offer<T> | undefined;
  let hasLeft = false;
  let wake = (): void => undefined;
  const peek = (): Offer<T> | undefined => offered;
  const produced = produce((item) =>
    hasLeft
      ? Promise.reject(left())
      : new Promise<void>((taken, refuse) => {
          offered = { item, taken, refuse };
          wake();
        }),
  );
  let ended = false;
  const end = (): void => {
    ended = true;
    wake();
  };
  produced.then(end, end); // a failure is thrown below, to the reader
  const isOver = (): boolean => ended;
  try {
    for (;;) {
      const next = peek();
      if (next !== undefined) {
        yield next.item;
        offered = undefined;
        next.taken();
      } else if (isOver()) {
        await produced; // throws what ended it
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    hasLeft = true;
    peek()?.refuse(left());
  }
}

function left(): ThymeError {
  return new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'the caller is gone');
}
