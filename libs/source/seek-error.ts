import { SourceError } from './source-error.js';

/** What `thyme sources reset --to` cannot do: nothing is changed then. */
export function cannotReset(why: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_RESET', why);
}

/** It would publish rows again that the dataset's version has (Y1). */
export function wouldRepeat(to: string, at: string): SourceError {
  return cannotReset(
    `${to} lies before ${at}, up to where rows were published: from there on they would be published again. ` +
      "To read them again, raise the dataset's version with `upgrade: 'empty'`, which begins anew beside the old version",
  );
}
