export interface DiffLine {
  readonly kind: 'same' | 'gone' | 'new';
  readonly text: string;
}

/** Beyond so many lines on either side all of the one is gone, and all of the other is new: a table of them would be too large. */
const LINES_MAX = 1_000;

/** The lines of two texts, with the most that both have in common (Hunt and McIlroy's problem, by its table). */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const [old, current] = [before === '' ? [] : before.split('\n'), after === '' ? [] : after.split('\n')];
  if (old.length > LINES_MAX || current.length > LINES_MAX) return [...linesOf('gone', old), ...linesOf('new', current)];
  const lengths = commonLengths(old, current);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < current.length) {
    const [gone, added] = [old[i], current[j]];
    if (gone !== undefined && gone === added) {
      lines.push({ kind: 'same', text: gone });
      i++;
      j++;
    } else if (gone !== undefined && (added === undefined || (lengths[i + 1]?.[j] ?? 0) >= (lengths[i]?.[j + 1] ?? 0))) {
      lines.push({ kind: 'gone', text: gone });
      i++;
    } else {
      lines.push({ kind: 'new', text: added ?? '' });
      j++;
    }
  }
  return lines;
}

/** How many lines the rests from i and from j on have in common at most. */
function commonLengths(old: readonly string[], current: readonly string[]): readonly Uint16Array[] {
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(current.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    const [row, below] = [lengths[i], lengths[i + 1]];
    for (let j = current.length - 1; j >= 0; j--) {
      if (row === undefined || below === undefined) continue;
      row[j] = old[i] === current[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}

function linesOf(kind: DiffLine['kind'], texts: readonly string[]): readonly DiffLine[] {
  return texts.map((text) => ({ kind, text }));
}
