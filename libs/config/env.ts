import { ThymeError } from '../errors/errors.js';

/** A variable that is missing or wrong; the message names it and says what it may be. */
export function configError(variable: string, description: string): ThymeError {
  return new ThymeError('THYME_CONFIG', 'INVALID_ARGUMENT', `${variable}: ${description}`, [{ field: variable, description }]);
}

/** Typed reading of environment variables. An empty variable counts as absent, as in `NAME= command`. */
export interface Env {
  required(name: string): string;
  optional(name: string): string | undefined;
  text(name: string, options: { readonly fallback: string }): string;
  integer(name: string, options: { readonly fallback: number; readonly min: number; readonly max: number }): number;
  /** `1`, `true`, `yes`, `on` and their opposites. */
  boolean(name: string, options: { readonly fallback: boolean }): boolean;
  oneOf<Choice extends string>(name: string, choices: readonly Choice[], options: { readonly fallback: Choice }): Choice;
  /** Comma-separated, trimmed, without empty parts. */
  list(name: string): readonly string[];
}

/** Parts of the program never see `process.env`: `main.ts` passes it here, and they receive the fields they need. */
export function createEnv(variables: Readonly<Record<string, string | undefined>>): Env {
  const optional = (name: string): string | undefined => {
    const value = Object.hasOwn(variables, name) ? variables[name]?.trim() : undefined;
    return value === '' ? undefined : value;
  };
  return {
    optional,
    required(name) {
      const value = optional(name);
      if (value === undefined) throw configError(name, 'must be set');
      return value;
    },
    text: (name, { fallback }) => optional(name) ?? fallback,
    integer(name, { fallback, min, max }) {
      const text = optional(name);
      if (text === undefined) return fallback;
      const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= min && value <= max)) throw configError(name, `'${text.slice(0, 64)}' is no integer from ${min} to ${max}`);
      return value;
    },
    boolean(name, { fallback }) {
      const text = optional(name)?.toLowerCase();
      if (text === undefined) return fallback;
      if (['1', 'true', 'yes', 'on'].includes(text)) return true;
      if (['0', 'false', 'no', 'off'].includes(text)) return false;
      throw configError(name, `'${text.slice(0, 64)}' is neither true nor false`);
    },
    oneOf(name, choices, { fallback }) {
      const text = optional(name);
      if (text === undefined) return fallback;
      const choice = choices.find((candidate) => candidate === text);
      if (choice === undefined) throw configError(name, `'${text.slice(0, 64)}' is none of ${choices.join(', ')}`);
      return choice;
    },
    list: (name) =>
      (optional(name) ?? '')
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
  };
}
