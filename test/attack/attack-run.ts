import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Processes, ThymeProcess } from '../support/processes.js';
import { request } from '../support/http.js';
import { sleep, type Findings, type Target } from './attack.js';

const ATTACKER = fileURLToPath(new URL('./attacker.ts', import.meta.url));
const FEATURES = fileURLToPath(new URL('./attack-features.ts', import.meta.url));

const PROBE_EVERY_MS = 50;
const PROBE_MS_MAX = 250;
/** After the attacker has ended: what it left behind is seen too. */
const AFTER_MS = 1_000;
const PAGE_BYTES = 4_096;
const TICKS_A_SECOND = 100;

export interface Figures {
  readonly findings: Findings;
  readonly ms: number;
  /** Growth of the platform's resident memory at its highest, MiB. */
  readonly grownMib: number;
  /** CPU that the platform took, ms. */
  readonly cpuMs: number;
  /** Health probes of REST during the attack. */
  readonly probes: number;
  /**
   * How many of a hundred probes were answered with 200 within 250 ms of the platform's own making: less what its thread waited for a core
   * meanwhile, as the kernel counts it, and what a bare server took that nobody attacks. On a quiet machine both are nothing.
   */
  readonly probesInTime: number;
  readonly slowestProbeMs: number;
}

export interface AttackedPlatform {
  readonly process: ThymeProcess;
  readonly target: Target;
}

/** The default platform, with something committed, in a process of its own. */
export async function startAttacked(processes: Processes, name: string, before?: string): Promise<AttackedPlatform> {
  const dataDir = processes.subfolder(name);
  const platform = await processes.serve(dataDir, [], before === undefined ? {} : { before });
  const env = { THYME_API_URL: platform.restUrl, THYME_DATA_DIR: dataDir };
  const { code, stderr } = await processes.run(['commit', FEATURES], { env });
  expect(code, stderr).to.equal(0);
  const restTarget = new URL(platform.restUrl).host;
  return { process: platform, target: { restUrl: platform.restUrl, restTarget, grpcTarget: platform.grpcTarget } };
}

/** Runs one attack, named by the module that exports it, and measures the platform meanwhile. */
export async function underAttack({ process: platform, target }: AttackedPlatform, module: string, name: string): Promise<Figures> {
  const control = await startControl();
  const attacker = fork(ATTACKER, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  attacker.send({ module, name, target });
  await once(attacker, 'message'); // it has loaded what it needs
  const watch = watchPlatform(platform.pid, target, control.url);
  const startMs = performance.now();
  const said = once(attacker, 'message').then(([findings]) => findings as Findings);
  const ended = once(attacker, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`the attacker ended with ${String(code)}`);
    return {};
  });
  const findings = await Promise.race([said, ended]);
  await ended;
  await sleep(AFTER_MS);
  const figures = { findings, ms: performance.now() - startMs, ...(await watch()) };
  control.stop();
  print(name, figures);
  expect(platform.isRunning, platform.stderr()).to.equal(true);
  return figures;
}

/** Every attack's least: the platform stays within so much memory, and answers probes. */
export function expectCalm(
  { grownMib, probesInTime }: Figures,
  { grownMibMax, probesMin = 99 }: { readonly grownMibMax: number; readonly probesMin?: number },
): void {
  expect(grownMib, 'MiB grown').to.be.below(grownMibMax);
  expect(probesInTime, 'probes in time, %').to.be.at.least(probesMin);
}

type Watched = Omit<Figures, 'findings' | 'ms'>;

/** A server that does nothing but answer, in a process of its own. */
async function startControl(): Promise<{ readonly url: string; stop(): void }> {
  const code = "const s=require('http').createServer((q,r)=>r.end('{}')).listen(0,'127.0.0.1',()=>process.send(s.address().port))";
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

function watchPlatform(pid: number, { restUrl }: Target, controlUrl: string): () => Promise<Watched> {
  const [rss, cpu] = [residentMib(pid), cpuMs(pid)];
  const probes: Promise<number>[] = [];
  let highest = rss;
  const timer = setInterval(() => {
    highest = Math.max(highest, residentMib(pid));
    probes.push(ownTime(pid, restUrl, controlUrl));
  }, PROBE_EVERY_MS);
  return async () => {
    clearInterval(timer);
    const took = await Promise.all(probes);
    return {
      grownMib: Math.round(highest - rss),
      cpuMs: cpuMs(pid) - cpu,
      probes: took.length,
      probesInTime: (100 * took.filter((ms) => ms <= PROBE_MS_MAX).length) / Math.max(1, took.length),
      slowestProbeMs: Math.round(Math.max(0, ...took)),
    };
  };
}

/** How long the platform itself takes for /health, ms. */
async function ownTime(pid: number, restUrl: string, controlUrl: string): Promise<number> {
  const waited = waitedMs(pid);
  const [ms, controlMs] = await Promise.all([probe(`${restUrl}/health`), probe(controlUrl)]);
  return Math.max(0, ms - controlMs - (waitedMs(pid) - waited));
}

/** What the event loop's thread has waited for a core so far. */
function waitedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** How long an answer took, ms; for ever where it did not say 200. */
async function probe(url: string): Promise<number> {
  const startMs = performance.now();
  try {
    const { status } = await request(url);
    return status === 200 ? performance.now() - startMs : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function residentMib(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1_024 ** 2;
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_A_SECOND;
}

function print(name: string, { findings, ms, grownMib, cpuMs: cpu, probes, probesInTime, slowestProbeMs }: Figures): void {
  const said = Object.entries(findings).map(([what, value]) => `${what} ${value}`);
  process.stdout.write(
    `      ${name}: ${(ms / 1_000).toFixed(1)} s, +${grownMib} MiB, CPU ${cpu} ms, ${probes} probes ${probesInTime.toFixed(1)} % in time (slowest ${slowestProbeMs} ms)${said.length === 0 ? '' : `; ${said.join(', ')}`}\n`,
  );
}
