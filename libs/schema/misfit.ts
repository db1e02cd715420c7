/**
 * Why an input is no value of its type, and where in it. Returned, not thrown: the readers of lists
 * and structs add their step to the path on the way out, so that no path is built while all fits.
 */
export class Misfit {
  constructor(
    /** What is wrong and how to mend it: `expected a float, got text "x": send a number`. */
    readonly description: string,
    /** Steps below the field, such as `[3].lat`. */
    readonly path = '',
  ) {}

  within(step: string): Misfit {
    return new Misfit(this.description, step + this.path);
  }
}

/** The misfit of an input of the wrong kind. */
export function wrongKind(expected: string, input: unknown, fix: string): Misfit {
  return new Misfit(`expected ${expected}, got ${describeInput(input)}: ${fix}`);
}

const SHOWN_LENGTH_MAX = 64;

/** The input in few words, cut: it may be large, and it goes into answers and dead letters. */
export function describeInput(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'a list';
  if (input instanceof Uint8Array) return `${input.length} bytes`;
  if (input instanceof Date) return 'a Date';
  switch (typeof input) {
    case 'undefined':
      return 'nothing';
    case 'string':
      return `text ${JSON.stringify(input.slice(0, SHOWN_LENGTH_MAX))}${input.length > SHOWN_LENGTH_MAX ? '…' : ''}`;
    case 'number':
      return `number ${input}`;
    case 'bigint':
      return `number ${String(input).slice(0, SHOWN_LENGTH_MAX)}`;
    case 'boolean':
      return `bool ${input}`;
    default:
      return `${typeof input === 'object' ? 'an' : 'a'} ${typeof input}`;
  }
}
