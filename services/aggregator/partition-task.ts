import type { Applier } from '../../libs/change/applier.js';
import type { Change } from '../../libs/change/change.js';
import { crashPoint } from '../../libs/change/crash-point.js';
import type { Revision } from '../../libs/definition/revision.js';
import { BackfillRate } from './backfill-rate.js';
import { HorizonClock } from './horizon-clock.js';
import { InputReading, type TickResult } from './input-reading.js';
import { PipelineRun } from './pipeline-run.js';
import { Reader } from './reader.js';
import { ReadAhead } from './read-ahead.js';
import { planRevision, type ReaderPlan, type RevisionPlan } from './reader-plan.js';
import type { StageThrough } from './rekey-message.js';
import { resumedReaders, retiringReaders } from './retiring-readers.js';
import type { TaskEnvironment } from './task-environment.js';
import { type InputBatch, RekeyInput, type TaskInput, TopicInput } from './task-inputs.js';
import { type Acquired, commitTick } from './tick-commit.js';
import { TickOutput } from './tick-output.js';

/** The reader of cursors that belong to the task as a whole; timelines' ids start at 1. */
const TASK_READER = 0;
const NO_PLAN: RevisionPlan = { revision: 0, readers: [], indexOf: new Map() };

/**
 * The one that works a partition, from its acquisition to the first error (DESIGN 4): then it is
 * thrown away whole, whatever it had in mind, and acquired again.
 */
export class PartitionTask {
  readonly #acquired: Acquired;
  readonly #environment: TaskEnvironment;
  readonly #applier: Applier;
  readonly #horizons = new HorizonClock();
  readonly #rekeyInputs: readonly RekeyInput[];
  readonly #backfillRate: BackfillRate | undefined;
  readonly #readAhead: ReadAhead;
  #plan = NO_PLAN;
  #readers: ReadonlyMap<number, Reader> = new Map();
  #topicInputs: readonly TopicInput[] = [];
  #joiners: ReadonlyMap<string, readonly Reader[]> = new Map();
  /** Whose turn it is to be read first, so that a tick's limits starve nobody. */
  #turn = 0;

  constructor(acquired: Acquired) {
    this.#acquired = acquired;
    this.#environment = acquired.environment;
    this.#applier = acquired.applier;
    const state = { readers: () => this.#readers, revision: () => this.#plan.revision };
    const { partition, partitionCount, backfillRecordsPerS, clock } = this.#environment;
    this.#backfillRate = backfillRecordsPerS === undefined ? undefined : new BackfillRate(backfillRecordsPerS, clock);
    this.#readAhead = new ReadAhead(acquired.environment.log);
    const senders = Array.from({ length: partitionCount }, (_, sender) => sender).filter((sender) => sender !== partition);
    this.#rekeyInputs = senders.map((sender) => new RekeyInput(this.#environment, sender, state));
    this.#resume();
  }

  get epoch(): number {
    return this.#acquired.epoch;
  }

  get readers(): readonly Reader[] {
    return [...this.#readers.values()];
  }

  get inputs(): readonly TaskInput[] {
    return [...this.#topicInputs, ...this.#rekeyInputs];
  }

  /** The revision in force. */
  get revision(): number {
    return this.#plan.revision;
  }

  /** Writes that this owner is here now: from it on, a lower epoch is a stale one. */
  async writeOwnership(): Promise<void> {
    await this.#commit(this.#newOutput(), []);
  }

  /** One tick (DESIGN 4, steps 1 to 6). After an error this task is of no use. */
  async tick(): Promise<TickResult> {
    crashPoint('aggregator.beforeRead');
    const adopted = this.#adopt();
    await this.#setTargets();
    const output = this.#newOutput();
    if (adopted !== undefined) {
      output.changes.push(adopted);
      crashPoint('aggregator.afterAdopt');
    }
    const reading = new InputReading(this.#environment, this.#readAhead, this.#backfillRate);
    const ran = await this.#runInputs(reading, output);
    if (adopted === undefined && !ran && !this.readers.some((reader) => reader.hasNews)) return reading.result('idle');
    this.#foldBooks(output);
    crashPoint('aggregator.afterFold');
    reading.beginNext(this.inputs);
    await this.#commit(output, this.readers.flatMap((reader) => reader.takeNews()));
    return reading.result('worked');
  }

  /** Lets go of the transaction; the store is the owner's. */
  async close(): Promise<void> {
    await this.#acquired.writer.close();
  }

  /** Puts the readers where the last commit left them. */
  #resume(): void {
    const [revision] = this.#applier.state.revisions;
    const commit = this.#applier.state.commit;
    for (const input of this.#rekeyInputs) {
      const cursor = commit?.cursors.find(({ readerId, partition }) => readerId === TASK_READER && partition === input.source.partition);
      input.nextOffset = cursor?.nextOffset ?? 0;
    }
    if (revision === undefined) return;
    const plan = this.#planOf(revision);
    this.#follow(plan, resumedReaders(this.#applier.state, plan, (earlier) => this.#planOf(earlier)));
  }

  /** The next revision, if there is one, from this tick on: a change like any other (DESIGN 4). */
  #adopt(): Change | undefined {
    const [revision] = this.#environment.feed.after(this.#plan.revision);
    if (revision === undefined) return undefined;
    const plan = this.#planOf(revision);
    const change = { kind: 'revision', revision } as const;
    this.#applier.fold(change);
    this.#follow(plan, retiringReaders(this.readers.map((reader) => reader.plan), plan, this.#applier.state.ready));
    return change;
  }

  #planOf(revision: Revision): RevisionPlan {
    const { deployment, functionsOf, publishesJson = false } = this.#environment;
    return planRevision(revision, { deployment, functions: functionsOf(revision), publishesJson });
  }

  /** Readers of timelines that go on keep their place; new ones start at the beginning (S18). */
  #follow(plan: RevisionPlan, retiring: readonly ReaderPlan[]): void {
    const readers = new Map<number, Reader>();
    for (const readerPlan of [...plan.readers, ...retiring]) {
      const known = this.#readers.get(readerPlan.id);
      known?.follow(readerPlan);
      readers.set(readerPlan.id, known ?? this.#startReader(readerPlan));
    }
    this.#plan = plan;
    this.#readers = readers;
    this.#joiners = new Map([...plan.indexOf.keys()].map((dataset) => [dataset, [...readers.values()].filter((reader) => reader.plan.joins.includes(dataset))]));
    this.#topicInputs = [...readers.values()].map((reader) => new TopicInput(reader, this.#environment.partition));
    for (const input of this.#rekeyInputs) input.waiting = undefined; // read again: its joins may be others now
  }

  #startReader(plan: ReaderPlan): Reader {
    const { commit } = this.#applier.state;
    const { partition, partitionCount } = this.#environment;
    const ofReader = ({ readerId }: { readonly readerId: number }): boolean => readerId === plan.id;
    const start = { cursor: commit?.cursors.find(ofReader), counters: commit?.counters.find(ofReader), hops: commit?.hops.filter(ofReader) ?? [] };
    return new Reader(plan, start, { partition, partitionCount, store: this.#applier.store });
  }

  /**
   * Decides where a new reader will have caught up: at the end that is there when it starts, or for
   * a dataset that pipelines fill, when those have caught up and published what they had (S18, S25).
   */
  async #setTargets(): Promise<void> {
    const { ready } = this.#applier.state;
    for (const reader of this.#readers.values()) {
      if (reader.caughtUp || reader.target !== undefined) continue;
      if (!reader.plan.upstream.every((id) => ready.has(id))) continue;
      reader.target = await this.#environment.log.endOffset({ topic: reader.plan.topic, partition: this.#environment.partition });
      reader.checkCaughtUp();
    }
  }

  /** Whether any input moved on. */
  async #runInputs(reading: InputReading, output: TickOutput): Promise<boolean> {
    const inputs = this.#inputsInTurn();
    for (const input of inputs) {
      if (input.joins.length > 0) await reading.readForJoin(input, this.#plan);
    }
    const batches: [TaskInput, InputBatch][] = [];
    for (const input of inputs) {
      const batch = input.joins.length > 0 ? undefined : await reading.read(input);
      if (batch !== undefined) batches.push([input, batch]);
    }
    return this.#runBatches(batches, output);
  }

  /** Step 1. Others get their turns within; what is read here is one state all the same, since nobody else changes it. */
  async #runBatches(batches: readonly [TaskInput, InputBatch][], output: TickOutput): Promise<boolean> {
    const { partition, partitionCount, clock, stepWatch } = this.#environment;
    const run = new PipelineRun({ partition, partitionCount, clockUs: clock.nowUs(), stepWatch, joiners: this.#joiners }, this.#applier, output, this.#plan);
    let moved = false;
    const runOne = async (input: TaskInput, batch: InputBatch): Promise<void> => {
      const before = input.nextOffset;
      await input.run(batch, run);
      moved ||= input.nextOffset !== before;
    };
    const isIndex = (input: TaskInput): boolean => input instanceof TopicInput && input.reader.plan.isIndex;
    for (const [input, batch] of batches) if (isIndex(input)) await runOne(input, batch);
    for (const reader of this.#readers.values()) if (reader.plan.isIndex) await run.finish(reader);
    for (const [input, batch] of batches) if (!isIndex(input)) await runOne(input, batch);
    for (const input of this.inputs) {
      if (input.waiting === undefined || !this.#hasReached(input.waiting.ends)) continue;
      const { batch } = input.waiting;
      input.waiting = undefined;
      await runOne(input, batch);
    }
    for (const reader of this.#readers.values()) if (!reader.plan.isIndex) await run.finish(reader);
    return moved;
  }

  /** S24: the right sides are as far as they were when the left records were read. */
  #hasReached(ends: ReadonlyMap<string, number>): boolean {
    for (const [dataset, end] of ends) {
      const index = this.#plan.indexOf.get(dataset);
      const reader = index && this.#readers.get(index.id);
      if (reader === undefined || reader.nextOffset < end) return false;
    }
    return true;
  }

  /** Lanes, sequences, readiness and horizons. */
  #foldBooks(output: TickOutput): void {
    const changes: Change[] = [];
    const { ready } = this.#applier.state;
    for (const reader of this.#readers.values()) {
      changes.push(...reader.lanes.takeChanges(), ...reader.sequences.takeChanges());
      if (!ready.has(reader.plan.id) && reader.isComplete) changes.push({ kind: 'ready', timelineId: reader.plan.id });
    }
    changes.push(...this.#horizons.changes(this.readers.map((reader) => reader.plan), this.#applier.state.horizons, this.#environment.clock.nowUs()));
    for (const change of changes) {
      this.#applier.fold(change);
      output.changes.push(change);
    }
  }

  async #commit(output: TickOutput, told: readonly StageThrough[]): Promise<void> {
    const cursors = this.#rekeyInputs.map(({ source, nextOffset }) => ({ readerId: TASK_READER, ...source, nextOffset, caughtUp: true }));
    await commitTick(this.#acquired, { revision: this.#plan.revision, readers: this.readers, cursors, output, told });
    for (const reader of this.#readers.values()) {
      reader.lanes.trim();
      reader.sequences.trim();
    }
  }

  #newOutput(): TickOutput {
    const { deployment, partition, partitionCount } = this.#environment;
    return new TickOutput({ deployment, partition, partitionCount, revision: this.#plan.revision });
  }

  #inputsInTurn(): readonly TaskInput[] {
    const inputs = this.inputs;
    const first = inputs.length === 0 ? 0 : this.#turn++ % inputs.length;
    return [...inputs.slice(first), ...inputs.slice(0, first)];
  }
}
