import { useEffect, useRef, useState } from 'preact/hooks';

type Counts = ReadonlyMap<string, number>;

/**
 * What counters grow by in a second, by the difference between two readings; undefined before the second one. A counter that fell is of a
 * process that started anew, and counts as level.
 */
export function useRates(counts: Counts, readMs: number): Counts | undefined {
  const last = useRef<{ readonly readMs: number; readonly counts: Counts } | undefined>(undefined);
  const [rates, setRates] = useState<Counts | undefined>(undefined);
  useEffect(() => {
    const before = last.current;
    last.current = { readMs, counts };
    if (before === undefined || before.readMs === readMs) return;
    const seconds = (readMs - before.readMs) / 1_000;
    setRates(new Map([...counts].map(([name, count]) => [name, Math.max(0, count - (before.counts.get(name) ?? count)) / seconds])));
  }, [readMs]);
  return rates;
}
