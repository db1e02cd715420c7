/** How a dataset is asked for: `Order`, its newest version, or `Order@1`, the one of that number (S19a). */
export interface DatasetName {
  readonly dataset: string;
  /** Undefined for the newest. */
  readonly version: number | undefined;
}

export function parseDatasetName(text: string): DatasetName {
  const parts = /^([^@]+)@([1-9]\d{0,9})$/.exec(text);
  return parts === null ? { dataset: text, version: undefined } : { dataset: parts[1] ?? text, version: Number(parts[2]) };
}
