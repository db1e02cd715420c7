import { RestError } from '../client/rest-error.js';
import type { RestClient } from '../client/rest-client.js';
import { command, printAnswer, UsageError } from './command.js';
import { tableLines } from './table-lines.js';

/** What happened, from whichever of the deployment's lists it comes. */
export interface Happening {
  readonly at: string;
  readonly severity: string;
  /** Such as `commit`, `dead_letter`, or an event's own type. */
  readonly type: string;
  readonly subject: string;
  readonly message: string;
}

interface PlatformEvent {
  readonly event_type: string;
  readonly severity: string;
  readonly subject: string;
  readonly message: string;
  readonly created_at: string;
}

interface DeadLetter {
  readonly at: string;
  readonly reason: string;
  readonly pipeline: string | null;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;
/** The newest of each dataset; `thyme inspect` and the console have the others. */
const DEAD_LETTERS_EACH = 20;
const SEVERITIES = ['info', 'warning', 'error'];

export const logs = command({
  name: 'logs',
  summary: 'what happened lately: commits, take-overs, damage, troubles of sources, dead letters',
  parameters: '',
  positionalsMax: 0,
  flags: {
    limit: { value: 'N', short: 'n', about: `the newest so many, up to ${LIMIT_MAX}; ${LIMIT_DEFAULT} where it is absent` },
    severity: { value: 'SEVERITY', about: 'only these: info, warning or error' },
    type: { value: 'TYPE', about: 'only these, such as commit, dead_letter, partition_acquired or store_damaged' },
    subject: { value: 'NAME', about: 'only what is about this dataset, partition, key or revision' },
  },
  examples: ['thyme logs', 'thyme logs --severity error', 'thyme logs --type dead_letter --subject Flight --json'],
  async run({ flags: { limit, severity, type, subject } }, context) {
    const count = limit === undefined ? LIMIT_DEFAULT : Number(limit);
    if (!Number.isInteger(count) || count < 1 || count > LIMIT_MAX) throw new UsageError(`-n ${limit ?? ''}: expected 1 to ${LIMIT_MAX}`);
    if (severity !== undefined && !SEVERITIES.includes(severity))
      throw new UsageError(`--severity ${severity}: expected one of ${SEVERITIES.join(', ')}`);
    const { found, unread } = await happenings(context.client);
    const chosen = found
      .filter(
        (one) => (severity ?? one.severity) === one.severity && (type ?? one.type) === one.type && (subject ?? one.subject) === one.subject,
      )
      .sort((one, other) => one.at.localeCompare(other.at))
      .slice(-count);
    printAnswer(context, chosen, () => linesOf(chosen));
    for (const reason of unread) context.terminal.err(reason);
  },
});

/** Of all lists that may be read with the caller's key; what may not is said. */
async function happenings(client: RestClient): Promise<{ readonly found: readonly Happening[]; readonly unread: readonly string[] }> {
  const [events, commits, letters] = await Promise.all([eventsOf(client), commitsOf(client), lettersOf(client)]);
  return { found: [...events, ...commits, ...letters.found], unread: letters.unread };
}

/** Of the process that answers: it keeps its newest 1,000. Commits come from the log, which has them all. */
async function eventsOf(client: RestClient): Promise<readonly Happening[]> {
  const events = (await client.get('/api/v1/events', { limit: String(LIMIT_MAX) })).body as readonly PlatformEvent[]; // OpenAPI says so
  return events
    .filter(({ event_type: type }) => type !== 'commit')
    .map(({ created_at: at, event_type: type, severity, subject, message }) => ({ at, severity, type, subject, message }));
}

async function commitsOf(client: RestClient): Promise<readonly Happening[]> {
  const { commits } = (await client.get('/api/v1/commits', { limit: String(LIMIT_MAX) })).body as {
    readonly commits: readonly Readonly<Record<'id' | 'created_at' | 'datasets' | 'pipelines' | 'featuresets', string | number>>[];
  }; // OpenAPI says so
  return commits.map(({ id, created_at: at, datasets, pipelines, featuresets }) => ({
    at: String(at),
    severity: 'info',
    type: 'commit',
    subject: `revision ${id}`,
    message: `${datasets} dataset(s), ${pipelines} pipeline(s), ${featuresets} featureset(s)`,
  }));
}

/** Dead letters hold what was pushed: for admins alone. */
async function lettersOf(client: RestClient): Promise<{ readonly found: readonly Happening[]; readonly unread: readonly string[] }> {
  const { datasets } = (await client.get('/api/v1/status')).body as { readonly datasets: readonly { readonly name: string }[] };
  try {
    const lists = await Promise.all(
      datasets.map(async ({ name }) => {
        const { body } = await client.get('/api/v1/dead-letters', { dataset: name, limit: String(DEAD_LETTERS_EACH) });
        const { dead_letters: letters } = body as { readonly dead_letters: readonly DeadLetter[] }; // OpenAPI says so
        return letters.map((letter) => letterHappening(name, letter));
      }),
    );
    return { found: lists.flat(), unread: [] };
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return { found: [], unread: [`dead letters are not shown: ${error.message.split('\n')[0] ?? ''}`] };
  }
}

function letterHappening(subject: string, { at, reason, pipeline }: DeadLetter): Happening {
  return { at, severity: 'warning', type: 'dead_letter', subject, message: pipeline === null ? reason : `${pipeline}: ${reason}` };
}

function linesOf(found: readonly Happening[]): readonly string[] {
  if (found.length === 0) return ['Nothing of this kind has happened lately'];
  return tableLines(
    ['WHEN', 'SEVERITY', 'TYPE', 'ABOUT', 'WHAT'],
    found.map(({ at, severity, type, subject, message }) => [at, severity, type, subject, message.split('\n')[0] ?? '']),
  );
}
