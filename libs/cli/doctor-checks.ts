import type { RestClient } from '../client/rest-client.js';
import type { Env } from '../config/env.js';
import type { Clock } from '../time/clock.js';
import { parseTimestamp } from '../time/timestamp.js';
import type { Finding } from './doctor-finding.js';

// What `thyme doctor` looks at. Each check asks what it needs, and judges it by named limits.

export interface Patient {
  readonly client: RestClient;
  /** Of this program. */
  readonly version: string;
  readonly clock: Pick<Clock, 'nowUs'>;
  /** Of this program: how Kafka is reached. */
  readonly env: Env;
}

/** The `Date` of an answer is cut to seconds, and the answer takes its time. */
const CLOCK_WARNING_S = 3;
/** A question that is more than a minute ahead is refused (S3). */
const CLOCK_FAILED_S = 60;
const DISK_WARNING_SHARE = 0.15;
const DISK_FAILED_SHARE = 0.05;
const DESCRIPTORS_MIN = 4_096;
const DESCRIPTORS_FAILED_SHARE = 0.9;
const LAG_WARNING_S = 300;
const KEY_WARNING_US = 14 * 86_400e6;

export const CHECKS: readonly { readonly name: string; readonly run: (patient: Patient) => Promise<readonly Finding[]> }[] = [
  { name: 'version', run: versions },
  { name: 'processes', run: processes },
  { name: 'clock', run: clocks },
  { name: 'services', run: services },
  { name: 'pipelines', run: pipelines },
  { name: 'machine', run: machine },
  { name: 'kafka', run: kafka },
  { name: 'sources', run: sources },
  { name: 'keys', run: keys },
];

const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail, fix: null });

async function versions({ client, version }: Patient): Promise<readonly Finding[]> {
  const { info } = (await client.get('/openapi.json')).body as { readonly info: { readonly version: string } };
  if (info.version === version) return [ok('version', `both are ${version}`)];
  const detail = `this program is ${version}, the deployment is ${info.version}`;
  return [{ check: 'version', state: 'warning', detail, fix: `npm install thyme@${info.version}, or upgrade the deployment` }];
}

interface ProcessState {
  readonly role: string;
  readonly version: string;
  readonly host: string;
}

/** A deployment whose processes are of several versions is in the middle of an upgrade, or was left there. */
async function processes({ client }: Patient): Promise<readonly Finding[]> {
  const { processes: told = [] } = (await client.get('/api/v1/status')).body as { readonly processes?: readonly ProcessState[] };
  return [processFinding(told)];
}

export function processFinding(told: readonly ProcessState[]): Finding {
  const versions = [...new Set(told.map(({ version }) => version))].sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
  const newest = versions.at(-1);
  if (newest === undefined)
    return { check: 'processes', state: 'unknown', detail: 'the deployment does not tell its processes', fix: null };
  if (versions.length === 1) return ok('processes', `${told.length} that answer are all ${newest}`);
  const older = told.filter(({ version }) => version !== newest).map(({ role, host, version }) => `${role} on ${host} is ${version}`);
  return {
    check: 'processes',
    state: 'warning',
    detail: `the newest is ${newest}, and ${older.join(', ')}`,
    fix: `finish the upgrade: start these with ${newest} too, one after the other`,
  };
}

/** The driver is loaded for those who have brokers. */
async function kafka({ env }: Patient): Promise<readonly Finding[]> {
  if (env.list('THYME_KAFKA_BROKERS').length === 0) return [];
  const { kafkaFindings } = await import('./doctor-kafka.js');
  return kafkaFindings(env);
}

async function clocks({ client, clock }: Patient): Promise<readonly Finding[]> {
  const beforeUs = clock.nowUs();
  const response = await client.getRaw('/health').catch(() => client.getRaw('/openapi.json'));
  const afterUs = clock.nowUs();
  return [clockFinding(response.headers.get('date'), beforeUs / 1e6, afterUs / 1e6)];
}

/** `date` is whole seconds, cut off; the server looked at its clock between the two instants. */
export function clockFinding(date: string | null, beforeS: number, afterS: number): Finding {
  const serverS = Date.parse(date ?? '') / 1_000;
  if (Number.isNaN(serverS))
    return { check: 'clock', state: 'unknown', detail: 'the answer has no date: a proxy may have taken it out', fix: null };
  const aheadS = serverS - afterS; // at least so much
  const behindS = beforeS - (serverS + 1);
  const apartS = Math.max(0, aheadS, behindS);
  const detail =
    apartS === 0
      ? 'the clocks agree to a second'
      : `the deployment's clock is ${apartS.toFixed(0)} s ${aheadS > 0 ? 'ahead of' : 'behind'} this one`;
  const state = apartS >= CLOCK_FAILED_S ? 'failed' : apartS >= CLOCK_WARNING_S ? 'warning' : 'ok';
  return {
    check: 'clock',
    state,
    detail,
    fix: state === 'ok' ? null : 'set both by NTP (chrony, systemd-timesyncd): event times and questions are judged by the clock',
  };
}

interface Status {
  readonly unavailable: readonly string[];
  readonly jobs: readonly {
    readonly name: string;
    readonly progress: { readonly paused: boolean; readonly caught_up: boolean; readonly lag: number; readonly failed: number };
  }[];
}

async function statusOf(client: RestClient): Promise<Status> {
  return (await client.get('/api/v1/status')).body as Status; // OpenAPI says so
}

async function services({ client }: Patient): Promise<readonly Finding[]> {
  const { unavailable } = await statusOf(client);
  return unavailable.length === 0
    ? [ok('services', 'all answer')]
    : unavailable.map((service) => ({
        check: 'services',
        state: 'failed',
        detail: `${service} does not answer`,
        fix: `start the process with --roles ${service}, or look at its log for why it ended`,
      }));
}

async function pipelines({ client }: Patient): Promise<readonly Finding[]> {
  const { jobs } = await statusOf(client);
  const found = jobs.flatMap(({ name, progress: { paused, failed, caught_up: isCaughtUp, lag } }): readonly Finding[] => {
    if (paused)
      return [
        {
          check: 'pipelines',
          state: 'failed',
          detail: `${name} is paused: too many records in a row failed (S23)`,
          fix: 'mend its step and commit it; `thyme status` tells what failed',
        },
      ];
    if (failed > 0)
      return [
        {
          check: 'pipelines',
          state: 'warning',
          detail: `${name}: ${failed} records failed, and are dead letters`,
          fix: 'read the dead letters for the reason (S23)',
        },
      ];
    return isCaughtUp ? [] : [{ check: 'pipelines', state: 'warning', detail: `${name} is ${lag} records behind`, fix: null }];
  });
  return found.length > 0 ? found : [ok('pipelines', `${jobs.length} keep up`)];
}

async function machine({ client }: Patient): Promise<readonly Finding[]> {
  return machineFindings(await (await client.getRaw('/metrics')).text());
}

/** From the gateway's metrics: of a deployment of several processes each has its own. */
export function machineFindings(metrics: string): readonly Finding[] {
  const valueOf = (name: string): number | undefined => {
    const text = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const unknown = (check: string): Finding => ({ check, state: 'unknown', detail: 'the process does not tell', fix: null });
  const [free, size] = [valueOf('thyme_disk_free_bytes'), valueOf('thyme_disk_size_bytes')];
  const [open, limit] = [valueOf('thyme_process_descriptors'), valueOf('thyme_process_descriptor_limit')];
  return [
    free === undefined || size === undefined ? unknown('disk') : diskFinding(free, size),
    open === undefined || limit === undefined ? unknown('descriptors') : descriptorFinding(open, limit),
  ];
}

function diskFinding(free: number, size: number): Finding {
  const share = free / size;
  const detail = `${(free / 2 ** 30).toFixed(1)} GiB of ${(size / 2 ** 30).toFixed(1)} GiB are free where the data lies`;
  const state = share < DISK_FAILED_SHARE ? 'failed' : share < DISK_WARNING_SHARE ? 'warning' : 'ok';
  return {
    check: 'disk',
    state,
    detail,
    fix: state === 'ok' ? null : "make room, or move the data folder; a dataset's `history` lets old rows go (S20)",
  };
}

function descriptorFinding(open: number, limit: number): Finding {
  const detail = `${open} of ${limit} file descriptors are open`;
  const state = open > limit * DESCRIPTORS_FAILED_SHARE ? 'failed' : limit < DESCRIPTORS_MIN ? 'warning' : 'ok';
  return {
    check: 'descriptors',
    state,
    detail,
    fix: state === 'ok' ? null : 'raise the limit where the process is started: ulimit -n 65536, or LimitNOFILE=65536',
  };
}

interface SourceState {
  readonly dataset: string;
  readonly state: string;
  readonly cause: string | null;
  readonly lag: { readonly seconds: number | null };
}

async function sources({ client }: Patient): Promise<readonly Finding[]> {
  const states = (await client.get('/api/v1/sources')).body as readonly SourceState[]; // OpenAPI says so
  const found = states.flatMap(({ dataset, state, cause, lag }): readonly Finding[] => {
    const fix = `thyme sources test ${dataset}`;
    if (state === 'stopped' || state === 'retrying')
      return [
        { check: 'sources', state: state === 'stopped' ? 'failed' : 'warning', detail: `${dataset} is ${state}: ${cause ?? ''}`, fix },
      ];
    if (state === 'paused')
      return [{ check: 'sources', state: 'warning', detail: `${dataset} is paused`, fix: `thyme sources resume ${dataset}` }];
    if ((lag.seconds ?? 0) < LAG_WARNING_S) return [];
    return [{ check: 'sources', state: 'warning', detail: `${dataset} is ${Math.round(lag.seconds ?? 0)} s behind`, fix }];
  });
  return found.length > 0 ? found : [ok('sources', states.length === 0 ? 'there are none' : `${states.length} keep up`)];
}

interface KeyState {
  readonly name: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

async function keys({ client, clock }: Patient): Promise<readonly Finding[]> {
  const { keys: listed } = (await client.get('/api/v1/keys')).body as { readonly keys: readonly KeyState[] }; // OpenAPI says so
  const nowUs = clock.nowUs();
  const found = listed.flatMap(({ name, expires_at: expires, revoked_at: revoked }): readonly Finding[] => {
    if (revoked !== null || expires === null || parseTimestamp(expires) > nowUs + KEY_WARNING_US) return [];
    const isOver = parseTimestamp(expires) <= nowUs;
    const fix = isOver
      ? `thyme keys revoke ${name}, and create another where it is still used`
      : `thyme keys create ${name}-2, give it to who uses ${name}, then revoke that`;
    return [{ check: 'keys', state: 'warning', detail: `${name} ${isOver ? 'expired' : 'expires'} ${expires}`, fix }];
  });
  return found.length > 0
    ? found
    : [ok('keys', `${listed.filter(({ revoked_at: revoked }) => revoked === null).length} made, none expires soon`)];
}
