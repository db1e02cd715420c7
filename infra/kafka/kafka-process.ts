import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** It answers after some 2.5 s; a loaded machine takes a multiple. */
const READY_MS_MAX = 60_000;
/** A broker that has not ended by then is killed. */
const STOP_MS_MAX = 15_000;

export interface KafkaProcessOptions {
  readonly jars: string;
  /** The broker's own folder: configuration, data and its log. */
  readonly folder: string;
  readonly port: number;
  readonly properties: string;
  /** One for all brokers of a cluster. */
  readonly clusterId: string;
  /** What the tool that formats its storage is given. */
  readonly formatArguments?: readonly string[];
  /** Compiles what it runs often to its best: dear in the first minute, and worth it in the next. */
  readonly longRunning?: boolean;
}

/** One broker as a process; started, killed and started again over the same data. */
export class KafkaProcess {
  readonly #options: KafkaProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: KafkaProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Writes its configuration and formats its data folder. */
  async prepare(): Promise<void> {
    const { folder, properties, jars, clusterId, formatArguments = [] } = this.#options;
    await mkdir(folder, { recursive: true });
    await writeFile(this.#configuration, properties);
    await writeFile(
      join(folder, 'log4j2.properties'),
      'rootLogger.level=WARN\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %c %m%n\n',
    );
    execFileSync(
      'java',
      [
        '-cp',
        `${jars}/*`,
        'kafka.tools.StorageTool',
        'format',
        '--ignore-formatted',
        '-t',
        clusterId,
        '-c',
        this.#configuration,
        ...formatArguments,
      ],
      { stdio: 'ignore' },
    );
  }

  start(): void {
    const { folder, jars, longRunning = false } = this.#options;
    const output = openSync(join(folder, 'output.log'), 'a');
    const args = [
      '-Xms256m',
      '-Xmx512m',
      ...(longRunning ? [] : ['-XX:TieredStopAtLevel=1']),
      '-Djava.awt.headless=true',
      `-Djava.io.tmpdir=${folder}`, // its libraries of C are unpacked there, and left where it is killed
      `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
      '-cp',
      `${jars}/*`,
      'kafka.Kafka',
      this.#configuration,
    ];
    this.#child = spawn('java', args, { cwd: folder, stdio: ['ignore', output, output] });
    closeSync(output);
  }

  /** Resolves when its port accepts connections; rejects with the end of its log if it never will. */
  async listening(): Promise<void> {
    const child = this.#child;
    const deadline = performance.now() + READY_MS_MAX;
    while (performance.now() < deadline && child !== undefined && child.exitCode === null) {
      if (await accepts(this.#options.port)) return;
      await sleep(50);
    }
    await this.kill('SIGKILL');
    const output = await readFile(join(this.#options.folder, 'output.log'), 'utf8');
    throw new Error(`the broker at port ${this.#options.port} did not start:\n${output.slice(-4_000)}`);
  }

  /** Ends it by its own process id. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await ended;
    clearTimeout(late);
  }

  /** SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  get #configuration(): string {
    return join(this.#options.folder, 'server.properties');
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
