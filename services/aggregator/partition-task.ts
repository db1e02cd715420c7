import type { Applier } from '../../libs/change/applier.js';
import type { Change, CommitRecord } from '../../libs/change/change.js';
import { crashPoint } from '../../libs/lifecycle/crash-point.js';
import type { CarryOver, Revision } from '../../libs/definition/revision.js';
import { BackfillRate } from './backfill-rate.js';
import { HorizonClock } from './horizon-clock.js';
import { InputReading, type TickResult } from './input-reading.js';
import { misplacedReaders } from './misplaced-readers.js';
import { PipelineRun } from './pipeline-run.js';
import { TimelineFeed } from './timeline-feed.js';
import { ReadAhead } from './read-ahead.js';
import { planRevision, type ReaderPlan, type RevisionPlan } from './reader-plan.js';
import type { StageThrough } from './rekey-message.js';
import { resumedReaders, retiringReaders } from './retiring-readers.js';
import type { TaskEnvironment } from './task-environment.js';
import { type InputBatch, RekeyInput, type TaskInput, TopicInput } from './task-inputs.js';
import { type Acquired, commitTick } from './tick-commit.js';
import { TickOutput } from './tick-output.js';
import { planUpgrade } from './upgrade-plan.js';
import { UpgradeReader } from './upgrade-reader.js';

/** The reader of cursors that belong to the task as a whole; timelines' ids start at 1. */
const TASK_READER = 0;
const NO_PLAN: RevisionPlan = { revision: 0, readers: [] };

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
  #readers: ReadonlyMap<number, TimelineFeed> = new Map();
  #topicInputs: readonly TopicInput[] = [];
  #joiners: ReadonlyMap<number, readonly TimelineFeed[]> = new Map();
  /** What the revision in force carries from old dataset versions into new ones (S19a). */
  #carryOvers: readonly CarryOver[] = [];
  readonly #upgrades = new Map<number, UpgradeReader>();
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

  /** Of the last tick that was committed; undefined before the first. */
  get commit(): CommitRecord | undefined {
    return this.#applier.state.commit;
  }

  get partition(): number {
    return this.#environment.partition;
  }

  get readers(): readonly TimelineFeed[] {
    return [...this.#readers.values()];
  }

  get inputs(): readonly TaskInput[] {
    return [...this.#topicInputs, ...this.#rekeyInputs];
  }

  get upgrades(): readonly UpgradeReader[] {
    return [...this.#upgrades.values()];
  }

  /** The revision in force. */
  get revision(): number {
    return this.#plan.revision;
  }

  /** Writes that this owner is here now: from it on, a lower epoch is a stale one. */
  async writeOwnership(): Promise<void> {
    await this.#openUpgrades(); // a commit names where each of them stands
    await this.#commit(this.#newOutput(), []);
  }

  /** One tick (DESIGN 4, steps 1 to 6). After an error this task is of no use. */
  async tick(): Promise<TickResult> {
    crashPoint('aggregator.beforeRead');
    // A reader that begins now reads from the start, and is not to meet what was erased before.
    if (this.#environment.feed.after(this.#plan.revision).length > 0) await this.#acquired.erasures.refresh();
    const adopted = this.#adopt();
    await this.#openUpgrades();
    await this.#setTargets();
    const output = this.#newOutput();
    if (adopted !== undefined) {
      output.changes.push(adopted);
      crashPoint('aggregator.afterAdopt');
    }
    const reading = new InputReading(this.#environment, this.#readAhead, this.#backfillRate);
    const carried = await this.#carry(output);
    const ran = await this.#runInputs(reading, output);
    if (adopted === undefined && !ran && carried === 'idle' && !this.readers.some((reader) => reader.hasNews))
      return reading.result('idle');
    this.#foldBooks(output);
    crashPoint('aggregator.afterFold');
    reading.beginNext(this.inputs);
    await this.#commit(
      output,
      this.readers.flatMap((reader) => reader.takeNews()),
    );
    return carried === 'full' ? 'full' : reading.result('worked');
  }

  /** In the tick's transaction, like all that it does. */
  async #carry(output: TickOutput): Promise<'idle' | 'worked' | 'full'> {
    let carried: 'idle' | 'worked' | 'full' = 'idle';
    for (const upgrade of this.#upgrades.values()) {
      const result = await upgrade.tick(output, this.#environment.clock.nowUs(), this.#backfillRate);
      if (carried !== 'full' && result !== 'idle') carried = result;
    }
    return carried;
  }

  /** A reader for each carry-over that has none yet, where the last commit left it. */
  async #openUpgrades(): Promise<void> {
    const { deployment, partition, partitionCount, log, functionsOf, stepWatch, feed, limits } = this.#environment;
    const { commit, ready, revisions } = this.#applier.state;
    for (const carryOver of this.#carryOvers) {
      const { id, revision: number } = carryOver;
      if (this.#upgrades.has(id)) continue;
      const begun = revisions.find((revision) => revision.number === number) ?? (await feed.get(number));
      const plan = planUpgrade(carryOver, { deployment, begun, carryOvers: this.#carryOvers, functions: functionsOf(begun) });
      const start = {
        cursors: commit?.cursors ?? [],
        counters: commit?.counters.find(({ readerId }) => readerId === id),
        isClosed: ready.has(id),
      };
      this.#upgrades.set(
        id,
        new UpgradeReader(plan, start, { partition, partitionCount, log, erasures: this.#acquired.erasures, stepWatch, limits }),
      );
    }
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
    this.#carryOvers = revision.carryOvers ?? [];
    this.#follow(
      plan,
      resumedReaders(this.#applier.state, plan, (earlier) => this.#planOf(earlier)),
    );
  }

  /** The next revision, if there is one, from this tick on: a change like any other (DESIGN 4). */
  #adopt(): Change | undefined {
    const [revision] = this.#environment.feed.after(this.#plan.revision);
    if (revision === undefined) return undefined;
    const plan = this.#planOf(revision);
    const change = { kind: 'revision', revision } as const;
    this.#applier.fold(change);
    this.#carryOvers = revision.carryOvers ?? [];
    this.#follow(
      plan,
      retiringReaders(
        this.readers.map((reader) => reader.plan),
        plan,
        this.#applier.state.ready,
      ),
    );
    return change;
  }

  #planOf(revision: Revision): RevisionPlan {
    const { deployment, functionsOf, publishesJson = false } = this.#environment;
    const plan = planRevision(revision, { deployment, functions: functionsOf(revision), publishesJson });
    const earlier = this.#applier.state.revisions.filter(({ number }) => number < revision.number);
    const misplaced = misplacedReaders([revision, ...earlier]);
    return misplaced.size === 0 ? plan : { ...plan, readers: plan.readers.filter(({ id }) => !misplaced.has(id)) };
  }

  /** Readers of timelines that go on keep their place; new ones start at the beginning (S18). */
  #follow(plan: RevisionPlan, retiring: readonly ReaderPlan[]): void {
    const readers = new Map<number, TimelineFeed>();
    for (const readerPlan of [...plan.readers, ...retiring]) {
      const known = this.#readers.get(readerPlan.id);
      known?.follow(readerPlan);
      readers.set(readerPlan.id, known ?? this.#startReader(readerPlan));
    }
    for (const { topic, entityOf, records } of plan.readers)
      if (entityOf !== undefined) this.#acquired.erasures.know(topic, ({ value }) => entityOf(records.decode(value).row));
    this.#plan = plan;
    this.#readers = readers;
    this.#joiners = joinersIn(readers);
    this.#topicInputs = [...readers.values()].map((reader) => new TopicInput(reader, this.#environment.partition));
    for (const input of this.#rekeyInputs) input.waiting = undefined; // read again: its joins may be others now
  }

  #startReader(plan: ReaderPlan): TimelineFeed {
    const { commit } = this.#applier.state;
    const { partition, partitionCount } = this.#environment;
    const ofReader = ({ readerId }: { readonly readerId: number }): boolean => readerId === plan.id;
    const start = {
      cursor: commit?.cursors.find(ofReader),
      counters: commit?.counters.find(ofReader),
      hops: commit?.hops.filter(ofReader) ?? [],
    };
    return new TimelineFeed(plan, start, { partition, partitionCount, store: this.#applier.store });
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
      if (input.rights.length > 0) await reading.readForJoin(input);
    }
    const batches: [TaskInput, InputBatch][] = [];
    for (const input of inputs) {
      const batch = input.rights.length > 0 ? undefined : await reading.read(input);
      if (batch !== undefined) batches.push([input, batch]);
    }
    return this.#runBatches(batches, output);
  }

  /** Step 1. Others get their turns within; what is read here is one state all the same, since nobody else changes it. */
  async #runBatches(batches: readonly [TaskInput, InputBatch][], output: TickOutput): Promise<boolean> {
    const { deployment, partition, partitionCount, clock, log, stepWatch } = this.#environment;
    const endOffset = (topic: string): Promise<number> => log.endOffset({ topic, partition });
    const recordsOf = (topic: string, before: number) => this.#acquired.erasures.recordsOf({ topic, partition }, before);
    const run = new PipelineRun(
      { deployment, partition, partitionCount, endOffset, recordsOf, clockUs: clock.nowUs(), stepWatch, joiners: this.#joiners },
      this.#applier,
      output,
    );
    let moved = false;
    const runOne = async (input: TaskInput, batch: InputBatch): Promise<void> => {
      const before = input.place;
      await input.run(batch, run);
      moved ||= input.place !== before;
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
    // An index once more: of changes, what other tasks have passed on to it (S17). Nobody joins with such a one.
    for (const reader of this.#readers.values()) await run.finish(reader);
    return moved;
  }

  /** S24: the right sides are as far as they were when the left records were read. */
  #hasReached(ends: ReadonlyMap<number, number>): boolean {
    for (const [id, end] of ends) {
      const reader = this.#readers.get(id);
      if (reader === undefined || reader.nextOffset < end) return false;
    }
    return true;
  }

  /** Lanes, sequences, readiness and horizons. */
  #foldBooks(output: TickOutput): void {
    const changes: Change[] = [];
    const { ready } = this.#applier.state;
    for (const reader of this.#readers.values()) {
      changes.push(...reader.lanes.takeChanges(), ...reader.sequences.takeChanges(), ...(reader.rows?.takeChanges() ?? []));
      if (!ready.has(reader.plan.id) && reader.isComplete) changes.push({ kind: 'ready', timelineId: reader.plan.id });
    }
    for (const { plan, isClosed } of this.#upgrades.values())
      if (isClosed && !ready.has(plan.id)) changes.push({ kind: 'ready', timelineId: plan.id });
    changes.push(
      ...this.#horizons.changes(
        this.readers.map((reader) => reader.plan),
        this.#applier.state.horizons,
        this.#environment.clock.nowUs(),
      ),
    );
    for (const change of changes) {
      this.#applier.fold(change);
      output.changes.push(change);
    }
  }

  async #commit(output: TickOutput, told: readonly StageThrough[]): Promise<void> {
    const rekeyed = this.#rekeyInputs.map(({ source, nextOffset }) => ({ readerId: TASK_READER, ...source, nextOffset, caughtUp: true }));
    const cursors = [...rekeyed, ...this.upgrades.flatMap((upgrade) => upgrade.cursors())];
    const counters = this.upgrades.map((upgrade) => ({ ...upgrade.counters }));
    await commitTick(this.#acquired, { revision: this.#plan.revision, readers: this.readers, cursors, counters, output, told });
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

/** By an index's reader: those that join with it. */
function joinersIn(readers: ReadonlyMap<number, TimelineFeed>): ReadonlyMap<number, readonly TimelineFeed[]> {
  const joiners = new Map<number, TimelineFeed[]>();
  for (const reader of readers.values()) {
    for (const { id } of reader.plan.rights.values()) joiners.set(id, [...(joiners.get(id) ?? []), reader]);
  }
  return joiners;
}
