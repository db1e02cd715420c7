import type { Options } from 'minisearch';

/** What is found: a heading of a page and the text under it, up to the next heading. */
export interface Section {
  /** `page.html#anchor`; the part of a page before its first heading has no anchor. */
  readonly id: string;
  /** Of the page. */
  readonly title: string;
  readonly heading: string;
  readonly text: string;
}

/** The same where the index is made and where it is asked. */
export const SEARCH_OPTIONS: Options<Section> = {
  fields: ['heading', 'title', 'text'],
  storeFields: ['title', 'heading', 'text'],
  tokenize: wordsOf,
  searchOptions: {
    boost: { heading: 4, title: 2 },
    combineWith: 'AND',
    prefix: true,
    // Codes and names are typed whole or pasted: a near miss of a short one is another one, such as S19 and S20.
    fuzzy: (term) => (term.length > 5 && !/[\d_]/.test(term) ? 0.2 : false),
  },
};

/** Words, and the parts of names: `THYME_NOT_READY` is found by all of it and by `ready`, `maxLateness` by `lateness`. */
export function wordsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{N}_]+/u).flatMap((word) => {
    const parts = word.split(/_|(?<=\p{Ll})(?=\p{Lu})/u).filter((part) => part !== '');
    return parts.length > 1 ? [word, ...parts] : parts;
  });
}
