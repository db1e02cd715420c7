import { ThymeError } from '../errors/errors.js';
import type { CommandContext, Flags } from './command.js';
import { errorLine, typeCheck, type TypeCheck } from './type-check.js';

/** Of the commands that look at a module's types. */
export const TYPE_FLAGS = {
  'no-typecheck': { about: "leaves out the look at its types, which the project's own tsc takes" },
} as const satisfies Flags;

/** Both at once, since tsc takes seconds; it is ended where the work fails, which says more. */
export async function besideTypes<T>(
  file: string,
  { checksTypes }: { readonly checksTypes: boolean },
  work: () => Promise<T>,
): Promise<{ readonly done: T; readonly types: TypeCheck }> {
  if (!checksTypes) return { done: await work(), types: { unchecked: undefined, errors: [] } };
  const failed = new AbortController();
  const checking = typeCheck(file, failed.signal);
  try {
    return { done: await work(), types: await checking };
  } catch (error) {
    failed.abort();
    await checking;
    throw error;
  }
}

/** Nobody shall think that types are right because nothing was said of them. */
export function tellUnchecked({ unchecked }: TypeCheck, { terminal, json = false }: CommandContext): void {
  if (unchecked !== undefined && !json) terminal.err(unchecked);
}

export function refuseWrongTypes({ errors }: TypeCheck, file: string): void {
  if (errors.length === 0) return;
  const violations = errors.map((error) => ({ field: `${error.file}:${error.line}`, description: error.message }));
  throw new ThymeError(
    'THYME_TYPES_WRONG',
    'INVALID_ARGUMENT',
    `${file}: its types are wrong, and nothing was committed (--no-typecheck commits it all the same):\n${errors.map((error) => `  ${errorLine(error)}`).join('\n')}`,
    violations,
  );
}
