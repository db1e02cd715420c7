import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryOf, type Terminal } from '../../../libs/cli/command.js';
import { commit } from '../../../libs/cli/commit-command.js';
import { doctor } from '../../../libs/cli/doctor-command.js';
import { inspect } from '../../../libs/cli/inspect-command.js';
import { keys } from '../../../libs/cli/keys-command.js';
import { log } from '../../../libs/cli/log-command.js';
import { logs } from '../../../libs/cli/logs-command.js';
import { plan } from '../../../libs/cli/plan-command.js';
import { lookup } from '../../../libs/cli/lookup-command.js';
import { query } from '../../../libs/cli/query-command.js';
import { queryOffline } from '../../../libs/cli/query-offline-command.js';
import { runs } from '../../../libs/cli/runs-command.js';
import { sources } from '../../../libs/cli/source-commands.js';
import { status } from '../../../libs/cli/status-command.js';
import { runCommand } from '../../../libs/cli/run-command.js';

const CLIENTS = [plan, commit, doctor, inspect, keys, logs, runs, sources, log, query, queryOffline, lookup, status].map(entryOf);

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Where a command goes, and with which key where it needs one. */
export type CliTarget = string | { readonly url: string; readonly adminKey: string };

/** Runs a command as a shell would, in the test's process. */
export function cli(target: CliTarget, ...args: readonly string[]): Promise<CliResult> {
  return cliOn({ isPerson: false }, target, ...args);
}

/** The same, before a person's eyes or not. */
export async function cliOn(
  { isPerson }: { readonly isPerson: boolean },
  target: CliTarget,
  ...args: readonly string[]
): Promise<CliResult> {
  const env: Record<string, string> =
    typeof target === 'string' ? { THYME_API_URL: target } : { THYME_API_URL: target.url, THYME_API_KEY: target.adminKey };
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    isPerson,
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    progress: () => undefined,
  };
  const code = await runCommand(CLIENTS, args, { ...env, THYME_WEB_URL: 'http://web.test' }, terminal);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** Files of the suite's own; `end` removes them. */
export class CliFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'thyme-cli-'));

  path(name: string): string {
    return join(this.#folder, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A module with one count, of this window and version. */
export function countModule({ window = '1h', version = 1, extra = '' } = {}): string {
  return `import { Count, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
@dataset({ version: 1 })
export class Click {
  @key(t.string) page!: string;
  @field(t.int) ms!: number;
  @field(t.bool.optional) paid!: boolean | null;
  @timestamp() at!: Date;
}
@dataset({ version: 1, index: true })
export class Pages {
  @key(t.string) page!: string;
  @field(t.int) clicks!: number;
  @timestamp() at!: Date;
  @pipeline({ version: ${version}, inputs: [Click] })
  static count(clicks) { return clicks.groupBy('page').aggregate({ clicks: Count({ window: '${window}' }) }); }
}
@featureset({ entity: 'page' })
export class PageFeatures {
  @feature(t.string, { id: 1 }) page!: string;
  @feature(t.int, { id: 2, ref: [Pages, 'clicks'] }) clicks!: number;
  ${extra}
}
`;
}
