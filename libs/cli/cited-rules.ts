import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `(S24)`, `(S10, S22)`: how messages cite rules. Not `S3` alone, which is a store of objects. */
const CITATION = /\((S\d{1,2}a?(?:(?:, | and )S\d{1,2}a?)*)\)/g;
/** From here in a checkout, and from the compiled program of a package. */
const PAGES = ['../../docs/rules.md', '../../../docs/rules.md'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** For each rule that a message cites, a line that says where it is told: a file of this package, which needs no deployment. */
export function citedRules(message: string): readonly string[] {
  const rules = [...message.matchAll(CITATION)].flatMap(([, cited = '']) => cited.match(/S\d+a?/g) ?? []);
  const page = PAGES.find((path) => existsSync(path));
  if (page === undefined) return [];
  const near = relative(process.cwd(), page);
  return [...new Set(rules)].map((rule) => `  ${rule}: ${near.startsWith('..') ? page : near}#${rule.toLowerCase()}`);
}
