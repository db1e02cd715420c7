import type { Context } from 'mocha';

/** Skips a suite loudly where a component that it needs is not installed; with CI=true that is a failure. */
export function componentOrSkip(suite: Context, isThere: boolean, what: string): void {
  if (isThere) return;
  if (process.env['CI'] === 'true') throw new Error(`${what} is not installed, and CI must test with it`);
  process.stderr.write(`    NOT TESTED: ${what} is not installed\n`);
  suite.skip();
}
