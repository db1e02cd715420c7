/** A reference to a secret, resolved in the ingest process only; the secret itself is never stored. */
export interface Secret {
  readonly secret: `env:${string}` | `file:${string}`;
}

/** Where a source's secret is, from the ingest process's view. */
export const secret = {
  /** The environment variable of that name. */
  env(name: string): Secret {
    return { secret: `env:${name}` };
  },
  /** The text of that file, without the line break at its end. */
  file(path: string): Secret {
    return { secret: `file:${path}` };
  },
} as const;
