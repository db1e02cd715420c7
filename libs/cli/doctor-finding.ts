/** What one look of `thyme doctor` found. */
export interface Finding {
  readonly check: string;
  /** `unknown`: the deployment did not tell. Only `failed` makes the command fail. */
  readonly state: 'ok' | 'warning' | 'failed' | 'unknown';
  readonly detail: string;
  /** What to do; null where there is nothing to be done. */
  readonly fix: string | null;
}
