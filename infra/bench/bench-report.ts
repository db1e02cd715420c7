import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** One measured figure, and what DESIGN promises of it. */
export interface Figure {
  /** The key in the JSON line. */
  readonly name: string;
  readonly value: number;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
  /** What it means, and under which load it was taken. */
  readonly note?: string;
}

/**
 * Prints a table for people and, last, one JSON line for programs. Where others use the machine too, only the CPU
 * figures can be compared.
 */
export function report(bench: string, figures: readonly Figure[]): void {
  say(
    `load average of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}`,
  );
  const rows = figures.map(
    ({ name, value, goal, note = '' }) => [name, rounded(value), goalText(goal), verdict(value, goal), note] as const,
  );
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd()}\n`,
    );
  const results = Object.fromEntries(figures.map(({ name, value }) => [name, Number(rounded(value))]));
  process.stdout.write(`${JSON.stringify({ bench, commit: commitId(), machine: machine(), results })}\n`);
}

/** A line about what is going on, beside the results. */
export function say(text: string): void {
  process.stderr.write(`# ${text}\n`);
}

/** CPU time of this process from the call on, with garbage collection and LevelDB's threads, µs. */
export function cpuClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
}

function rounded(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : value.toPrecision(3);
}

function goalText(goal: Figure['goal']): string {
  if (goal === undefined) return '';
  return 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}

function verdict(value: number, goal: Figure['goal']): string {
  if (goal === undefined) return '';
  return ('atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost) ? 'met' : 'missed';
}

/** From git's own files: a bench also runs where git is not installed. */
export function commitId(): string {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folder = [`${root}.git/`, `${root}../.git/`].find((candidate) => existsSync(`${candidate}HEAD`));
  if (folder === undefined) return 'unknown';
  const head = readFileSync(`${folder}HEAD`, 'utf8').trim();
  if (!head.startsWith('ref: ')) return head.slice(0, 12);
  const file = `${folder}${head.slice(5)}`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().slice(0, 12) : 'unknown';
}

export function machine(): string {
  const processors = cpus();
  return `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.versions.node}`;
}
