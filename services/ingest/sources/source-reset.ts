import { canonicalJson } from '../../../libs/definition/canonical-json.js';
import { invalidArgument, ThymeError } from '../../../libs/errors/errors.js';
import type { JsonValue, SourceReader } from '../../../libs/source/connector.js';
import { cannotReset } from '../../../libs/source/seek-error.js';
import { encodeBooks, type SourceBooks } from './source-books.js';
import { lastBooks, nameOf, type LifeOptions } from './source-life.js';
import { SourceProgress } from './source-progress.js';

/** Characters of a place in words: an object's name is 1,024 bytes at most. */
const WORDS_LENGTH_MAX = 4_096;

export type ResetOptions = Pick<LifeOptions, 'log' | 'deployment' | 'connector' | 'settings' | 'declared'>;

/**
 * Puts a source to `beginning`, `now`, or a place in its system's words, without publishing any row twice into one version of its
 * dataset (Y1): where rows were published it goes forward only, over rows that are then never published. It fences whoever has
 * the source (L4), which goes on from the new place in its next life. Resolves to the place in words.
 *
 * A refusal changes nothing, and says how to have what was asked for.
 */
export async function resetSource(options: ResetOptions, to: string, signal: AbortSignal): Promise<string> {
  if (to === '') throw invalidArgument('to', "is missing: say beginning, now, or a place in the system's words");
  if (to.length > WORDS_LENGTH_MAX) throw invalidArgument('to', `has ${to.length} characters; at most ${WORDS_LENGTH_MAX} name a place`);
  const { log, deployment, connector, settings, declared } = options;
  const source = nameOf(declared);
  const before = await lastBooks(await SourceProgress.peek({ log, deployment, source }), options);
  refuseRepeat(before, to, options);
  const reader = to === 'beginning' ? undefined : await connector.open(settings, signal);
  try {
    // Sought before anybody is fenced: what is refused does not disturb who reads.
    let position = await seek(reader, { to, books: before, options }, signal);
    const progress = await SourceProgress.open({ log, deployment, source });
    try {
      const books = await lastBooks(progress, options);
      refuseRepeat(books, to, options);
      if (canonicalJson(books ?? null) !== canonicalJson(before ?? null)) position = await seek(reader, { to, books, options }, signal);
      const { rows = 0, refused = 0 } = books ?? {};
      const fingerprint = connector.fingerprint(settings);
      await progress.commit([], encodeBooks({ fingerprint, ...(position === undefined ? {} : { position }), rows, refused }));
      return reader === undefined || position === undefined ? 'the beginning' : reader.describe(position);
    } finally {
      await progress.close().catch(() => undefined); // a writer that failed has nothing left to say
    }
  } finally {
    await reader?.close().catch(() => undefined); // nor has a connection that broke
  }
}

interface Sought {
  readonly to: string;
  readonly books: SourceBooks | undefined;
  readonly options: ResetOptions;
}

/** Without a reader it is the beginning. */
async function seek(reader: SourceReader | undefined, { to, books, options }: Sought, signal: AbortSignal): Promise<JsonValue | undefined> {
  if (reader === undefined) return undefined;
  const { declared, settings } = options;
  const from = isSamePlace(books, options) && publishedOf(books) > 0 ? books?.position : undefined;
  if (reader.seek === undefined)
    throw cannotReset(
      `a ${declared.source.connector} source cannot be begun in its middle${asItIs(declared)}: raise the version of ${declared.dataset.name} with ` +
        "`upgrade: 'empty'`, which is read from the beginning",
    );
  try {
    return await reader.seek(to === 'now' ? undefined : to, from, signal);
  } catch (error) {
    if (!(error instanceof ThymeError)) throw error;
    throw new ThymeError(error.code, error.status, settings.redact(error.message), [], { cause: error });
  }
}

function asItIs({ source: { config } }: ResetOptions['declared']): string {
  return config['mode'] === 'cdc' ? ' where it reads the log' : '';
}

/** What would publish rows twice, or leave rows that nobody has any more, whatever the place is. */
function refuseRepeat(books: SourceBooks | undefined, to: string, options: ResetOptions): void {
  const { dataset, source } = options.declared;
  const published = publishedOf(books);
  if (published === 0) return;
  const anew =
    `raise it to \`version: ${dataset.version + 1}, upgrade: 'empty'\` and commit: the new version is read from the beginning, beside version ${dataset.version}. ` +
    `To begin it elsewhere, \`thyme sources pause ${dataset.name}\` before that commit, and reset and resume it afterwards`;
  if (to === 'beginning')
    throw cannotReset(`version ${dataset.version} of ${dataset.name} has ${published} rows of its source, which would come again: ${anew}`);
  if (source.cdc !== 'append')
    throw cannotReset(
      `rows of ${dataset.name} replace one another, and changes that are skipped would leave rows that its source no longer has: ${anew}`,
    );
  if (to !== 'now' && !isSamePlace(books, options))
    throw cannotReset(
      `version ${dataset.version} of ${dataset.name} was filled from another place, or in another order, so nothing tells which rows of this one it has: ` +
        `\`--to now\` goes on with what comes; or ${anew}`,
    );
}

function publishedOf(books: SourceBooks | undefined): number {
  return (books?.rows ?? 0) + (books?.refused ?? 0);
}

function isSamePlace(books: SourceBooks | undefined, { connector, settings }: ResetOptions): boolean {
  return books === undefined || books.fingerprint === connector.fingerprint(settings);
}
