/** Rows in columns as wide as their cells, for people: the header in front, two spaces between, nothing at a line's end. */
export function tableLines(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => widthOf(row[i] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** By characters, and not by code units. */
function widthOf(text: string): number {
  return Array.from(text).length;
}
