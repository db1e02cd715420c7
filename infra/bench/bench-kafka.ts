// The broker of a bench: its own, in a process of its own, or one that runs already.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log } from '../../libs/log/log.js';
import { startKafka } from '../kafka/kafka.js';

export interface BenchKafka {
  /** `host:port` of each. */
  readonly brokers: readonly string[];
  /** A name that no earlier bench has used on these brokers. */
  readonly deployment: string;
  /** CPU time of the brokers that the bench has started so far, µs; NaN of others. */
  cpuUs(): number;
  stop(): Promise<void>;
}

/** The tick of Linux's /proc on every machine: the kernel's own ticks are another thing. */
const CLOCK_TICK_US = 10_000;

/** Starts a broker in the folder, unless brokers are named (comma-separated). */
export async function startBenchKafka(folder: string, named: string | undefined): Promise<BenchKafka> {
  const deployment = `thyme-bench-${process.pid}`;
  if (named !== undefined) return { brokers: named.split(','), deployment, cpuUs: () => Number.NaN, stop: async () => undefined };
  const kafka = await startKafka({ folder: join(folder, 'kafka'), longRunning: true });
  const { brokers, pids = [] } = kafka;
  return { brokers, deployment, cpuUs: () => pids.reduce((sum, pid) => sum + cpuUsOf(pid), 0), stop: () => kafka.stop() };
}

export function openBenchKafkaLog({ brokers }: BenchKafka): Promise<Log> {
  return openKafkaLog({ brokers, clientId: 'thyme-bench' });
}

/** `level` or `kafka`, from the command line. */
export function readLogKind(text: string): 'level' | 'kafka' {
  if (text !== 'level' && text !== 'kafka') throw new RangeError(`--log: '${text}' is neither level nor kafka`);
  return text;
}

/** User and system time; NaN where there is no /proc. */
export function cpuUsOf(pid: number): number {
  try {
    // The program's name, in brackets, may hold spaces; the fields behind it do not.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_US;
  } catch {
    return Number.NaN;
  }
}
