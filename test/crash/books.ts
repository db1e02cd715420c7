/**
 * What a reader's books must say in the end, over all partitions (RELIABILITY): at least and at most, since a record that is erased counts
 * as erased where a reader meets it afterwards (S26). Duplicates depend on the faults.
 */
export type Books = Readonly<Record<'applied' | 'filtered' | 'late' | 'outdated', Span>>;

export interface Span {
  readonly least: number;
  readonly most: number;
}

export const NONE: Span = { least: 0, most: 0 };
