// Sources: keeps the sources of the newest revision running, each in one process at a time.
//
//   source-runner.ts   - one source: lives one after another, polls at their time, back-off, pauses
//   source-life.ts     - one life: fences the one before, goes on from its last commit, publishes batch after batch
//   read-ahead.ts      - its batches, one ahead of the commit
//   publish-rows.ts    - judges rows by the dataset's fields, as a push is judged
//   source-progress.ts - rows and position in one transaction (S16)
//   source-books.ts    - the bytes of a progress record
//   source-reset.ts    - puts a source to another place
//   source-control.ts  - what people have said
//   source-state.ts    - how a source does
//
// What a connector is stands in libs/source/connector.ts.
//
// Invariants:
//   N1. A row is published with the position behind it, in one transaction, by the newest owner of the source (S16, L4).
//   N2. A source that fails, or stands still, holds up no other: each has its own loop, and all share the turns of the event loop.
//   N3. Secrets are read here, used by the connector, and stand in no log, error, status, record or metric.
import { canonicalJson } from '../../../libs/definition/canonical-json.js';
import type { Revision } from '../../../libs/definition/revision.js';
import { rulesOf } from '../../../libs/definition/connectors.js';
import { notFound, ThymeError } from '../../../libs/errors/errors.js';
import { createCompletion, type Service, settlesWithin } from '../../../libs/lifecycle/service.js';
import type { Log } from '../../../libs/log/log.js';
import type { PartitionOwnership } from '../../../libs/log/membership.js';
import { slotOf } from '../../../libs/codec/slot.js';
import type { Connector, SourceTest } from '../../../libs/source/connector.js';
import { SourceError } from '../../../libs/source/source-error.js';
import { sourceSettings, type SourceEnvironment, type SourceSettings } from '../../../libs/source/source-settings.js';
import type { EventRing } from '../../../libs/telemetry/event-ring.js';
import type { Logger } from '../../../libs/telemetry/logger.js';
import type { Random } from '../../../libs/time/backoff.js';
import type { Clock } from '../../../libs/time/clock.js';
import { TurnBudget } from '../../../libs/time/turns.js';
import type { DatasetDoors } from '../dataset-doors.js';
import { SLICE_RECORDS } from '../ingest-limits.js';
import { SourceControl, type ControlListener } from './source-control.js';
import { type DeclaredSource, nameOf } from './source-life.js';
import { resetSource } from './source-reset.js';
import { SourceRunner } from './source-runner.js';
import type { SourcePhase, SourceStatus } from './source-state.js';

/** Sources are shared out among ingest processes by so many parts; a source's part follows from its name. */
export const SOURCE_PARTS = 64;

export interface SourcesOptions {
  readonly log: Log;
  readonly deployment: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly revisions: { latest(): Revision | undefined; waitForNewer(number: number, signal: AbortSignal): Promise<void> };
  readonly doors: DatasetDoors;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly environment: SourceEnvironment;
  readonly ownership: PartitionOwnership;
  /** `host:port` of this process; known once gRPC is served. */
  readonly address: () => string;
  readonly hasRoom: () => boolean;
  readonly logger: Logger;
  readonly events: EventRing;
}

interface Running {
  /** What it was started with; another one is another runner. */
  readonly signature: string;
  readonly runner: SourceRunner;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

export class Sources implements Service {
  readonly #options: SourcesOptions;
  readonly #turns = new TurnBudget(SLICE_RECORDS);
  readonly #running = new Map<string, Running>();
  readonly #parts = new Set<number>();
  readonly #stopping = new AbortController();
  readonly #completion = createCompletion();
  #control: SourceControl | undefined;
  #reconciling: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  get done(): Promise<void> {
    return this.#completion.promise;
  }

  /** To be called once the log is open and revisions are known. */
  async start(): Promise<void> {
    const { log, deployment, ownership, address } = this.#options;
    this.#control = await SourceControl.open(log, deployment);
    const { signal } = this.#stopping;
    const listener: ControlListener = {
      onPaused: (dataset, paused) => this.#running.get(dataset)?.runner.setPaused(paused),
      onReset: (dataset, position) => this.#running.get(dataset)?.runner.setPosition(position),
    };
    this.#control.follow(listener, signal).catch(this.#fail);
    this.#followRevisions(signal).catch(this.#fail);
    await ownership.join({
      address: address(),
      onAssigned: (parts) => this.#own(parts, true),
      onRevoked: (parts) => this.#own(parts, false),
    });
    ownership.done.catch(this.#fail);
  }

  stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    return (this.#stopped ??= this.#stop(graceMs));
  }

  /** The sources of the newest revision, in its order; those that another process has say only that. */
  list(): readonly SourceStatus[] {
    return this.#declared().map((declared) => this.#running.get(declared.dataset.name)?.runner.status() ?? elsewhere(declared));
  }

  /** Looks at the source's system with its own settings, from this process, without publishing anything. */
  async test(dataset: string, signal: AbortSignal): Promise<SourceTest> {
    const declared = this.#find(dataset);
    const settings = this.#settingsOf(declared);
    try {
      return await this.#connectorOf(declared).test(settings, signal);
    } catch (error) {
      if (error instanceof ThymeError) return { steps: [{ what: 'reached', ok: false, detail: settings.redact(error.message) }] };
      throw error;
    }
  }

  /** NOT_FOUND where there is no such source. Resolves when it is durable; the process that has the source follows at once. */
  async setPaused(dataset: string, paused: boolean): Promise<void> {
    this.#find(dataset);
    await this.#control?.setPaused(dataset, paused);
  }

  /** Puts it to another place (source-reset.ts), whichever process has it. Resolves to that place in words, once it is durable. */
  async reset(dataset: string, to: string, signal: AbortSignal): Promise<string> {
    const declared = this.#find(dataset);
    const connector = this.#connectorOf(declared);
    const settings = this.#settingsOf(declared);
    const position = await resetSource({ ...this.#options, connector, settings, declared }, to, signal);
    this.#onNotice(declared, `somebody put the source to another place: ${position}`);
    await this.#control?.tellReset(dataset, position);
    return position;
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#stopping.signal.aborted) this.#completion.reject(error);
  };

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#options.ownership.leave().catch(() => undefined); // a group that cannot be reached misses this member by itself
    const ending = [...this.#running.values()].map(({ stopping, ended }) => (stopping.abort(), ended));
    // A system that answers nobody does not hold up the process: its transaction was not begun, or is aborted by the next owner.
    await settlesWithin(Promise.all(ending), graceMs, this.#options.clock);
    this.#completion.resolve();
  }

  async #followRevisions(signal: AbortSignal): Promise<void> {
    for (let seen = -1; !signal.aborted;) {
      const number = this.#options.revisions.latest()?.number ?? 0;
      if (number !== seen) await this.#reconcile();
      seen = number;
      await this.#options.revisions.waitForNewer(number, signal);
    }
  }

  async #own(parts: readonly number[], isOwner: boolean): Promise<void> {
    for (const part of parts)
      if (isOwner) this.#parts.add(part);
      else this.#parts.delete(part);
    await this.#reconcile();
  }

  /** Starts what should run here and does not, and ends what should not; one call after another. */
  #reconcile(): Promise<void> {
    const next = this.#reconciling.then(() => this.#reconcileNow());
    this.#reconciling = next.catch(() => undefined); // each caller learns of its own failure
    return next;
  }

  async #reconcileNow(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const wanted = new Map(
      this.#declared()
        .filter((declared) => this.#parts.has(partOf(declared)))
        .map((one) => [one.dataset.name, one]),
    );
    const leaving = [...this.#running].filter(([name, { signature }]) => {
      const declared = wanted.get(name);
      return declared === undefined || signatureOf(declared) !== signature;
    });
    for (const [, { stopping }] of leaving) stopping.abort();
    await Promise.all(leaving.map(([, { ended }]) => ended));
    for (const [name] of leaving) this.#running.delete(name);
    for (const [name, declared] of wanted) if (!this.#running.has(name)) this.#startOne(declared);
  }

  #startOne(declared: DeclaredSource): void {
    const { name } = declared.dataset;
    const stopping = new AbortController();
    const connector = this.#connectorOf(declared);
    const runner = new SourceRunner(
      {
        ...this.#options,
        connector,
        declared,
        settings: this.#settingsOf(declared),
        turns: this.#turns,
        onPhase: (phase, cause) => this.#onPhase(declared, phase, cause),
        onNotice: (notice) => this.#onNotice(declared, notice),
      },
      this.#control?.isPaused(name) ?? false,
    );
    const ended = runner.run(stopping.signal).catch(this.#fail);
    this.#running.set(name, { signature: signatureOf(declared), runner, stopping, ended });
  }

  /** What operators should know of; polls come and go without a word. */
  #onPhase({ dataset, source }: DeclaredSource, phase: SourcePhase, cause?: unknown): void {
    const { logger, events } = this.#options;
    if (phase.kind !== 'retrying' && phase.kind !== 'stopped' && phase.kind !== 'paused') return;
    const words = 'cause' in phase ? phase.cause : 'somebody paused it';
    const place = { dataset: dataset.name, connector: source.connector };
    if (phase.kind === 'paused') logger.info('a source is paused', place);
    else
      logger.warn(phase.kind === 'stopped' ? 'a source stands still' : 'a source is tried again', {
        ...place,
        cause: words,
        ...(cause instanceof ThymeError ? {} : { error: cause }),
      });
    events.record({
      eventType: `source_${phase.kind}`,
      severity: phase.kind === 'stopped' ? 'error' : phase.kind === 'paused' ? 'info' : 'warning',
      source: 'ingest',
      subject: dataset.name,
      message: words,
      detail: { connector: source.connector },
    });
  }

  #onNotice({ dataset, source }: DeclaredSource, message: string): void {
    const detail = { connector: source.connector };
    this.#options.logger.warn(message, { dataset: dataset.name, ...detail });
    this.#options.events.record({
      eventType: 'source_notice',
      severity: 'warning',
      source: 'ingest',
      subject: dataset.name,
      message,
      detail,
    });
  }

  #declared(): readonly DeclaredSource[] {
    const revision = this.#options.revisions.latest();
    if (revision === undefined) return [];
    const { sources, datasets } = revision.definitions;
    return sources.flatMap((source) => {
      const dataset = datasets.find(({ name }) => name === source.dataset);
      return dataset === undefined || !this.#options.connectors.has(source.connector) ? [] : [{ revision, dataset, source }];
    });
  }

  #find(name: string): DeclaredSource {
    const declared = this.#declared();
    const found = declared.find(({ dataset }) => dataset.name === name);
    if (found !== undefined) return found;
    throw notFound(
      'dataset with a source',
      name,
      declared.map(({ dataset }) => dataset.name),
    );
  }

  #connectorOf({ source }: DeclaredSource): Connector {
    const connector = this.#options.connectors.get(source.connector);
    if (connector !== undefined) return connector;
    throw new SourceError('stop', 'THYME_SOURCE_CONNECTOR', `this process has no connector '${source.connector}'`);
  }

  #settingsOf({ source, dataset }: DeclaredSource): SourceSettings {
    const known = rulesOf(source);
    if (known === undefined) throw new SourceError('stop', 'THYME_SOURCE_CONNECTOR', `no connector is called '${source.connector}'`);
    return sourceSettings(source, dataset, known, this.#options.environment);
  }
}

function partOf(declared: DeclaredSource): number {
  return slotOf(Buffer.from(declared.dataset.name)) % SOURCE_PARTS;
}

function signatureOf(declared: DeclaredSource): string {
  const { name, version, fields, keys, timestamp, maxFutureUs } = declared.dataset;
  return canonicalJson({
    name: nameOf(declared),
    source: declared.source,
    dataset: { name, version, fields, keys, timestamp, maxFutureUs },
  });
}

function elsewhere({ dataset, source }: DeclaredSource): SourceStatus {
  return {
    dataset: dataset.name,
    version: dataset.version,
    connector: source.connector,
    phase: { kind: 'elsewhere' },
    lag: {},
    rows: 0,
    refused: 0,
    rowsPerS: 0,
  };
}
