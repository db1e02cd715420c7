// Random evolutions of a module while records are pushed, restarts included (S13, S18, S19, S19a, S25a): every answer is that
// of loops over the accepted records. THYME_EVOLUTIONS says how many; a failure's seed is fast-check's.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { commitFile } from '../../libs/cli/commit-command.js';
import { Random } from '../crash/random.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';
import { draw, type Evolution, type Spent } from './evolution-changes.js';
import { answerOfA, answerOfC, FIRST, moduleOf, type Held, type Shape } from './evolution-world.js';

const EVOLUTIONS = Number(process.env.THYME_EVOLUTIONS ?? '24');
const PER_STORY = 12;
const KEYS = ['a', 'b', 'c', 'k0', 'k1', 'k2', 'k3'];
const DEADLINE_MS = 60_000;
const MINUTE_MS = 60_000;
const KNOWN_AFTER_MS = 2;

interface Status {
  readonly latest_commit: { readonly id: string };
  readonly tasks: readonly { readonly revision: number }[];
  readonly backfills: readonly unknown[];
  readonly jobs: readonly { readonly progress: { readonly caught_up: boolean; readonly lag: number } }[];
}

/** One deployment and its life. */
class Story {
  readonly #random: Random;
  readonly #folder = mkdtempSync(join(tmpdir(), 'thyme-evolutions-'));
  readonly #partitions: number;
  /** What has happened, for who reads a failure. */
  readonly #told: string[] = [];
  readonly #spent: Spent = { big: 1, names: 0 };
  #platform!: EmbeddedPlatform;
  #shape: Shape = FIRST;
  #held: readonly Held[] = [];
  /** By D's version, those that could be carried to the newest one: how. */
  readonly #carries = new Map<number, (row: Held) => Held | undefined>();
  /** When each push had been answered, ms. */
  readonly #pushedMs: number[] = [];
  #sequence = 0;
  #token = '';

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#partitions = this.#random.pick([1, 1, 2, 3]);
  }

  async live(evolutions: number): Promise<void> {
    await this.#start();
    try {
      await this.#commit(FIRST);
      await this.#push();
      for (let i = 0; i < evolutions; i++) await this.#evolve(draw(this.#shape, this.#spent, this.#random));
    } catch (error) {
      throw new Error(`${String(error)}\nafter, on ${this.#partitions} partitions:\n  ${this.#told.join('\n  ')}`, { cause: error });
    } finally {
      await this.#platform.stop();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #evolve(evolution: Evolution): Promise<void> {
    this.#told.push(evolution.what);
    if (evolution.kind === 'refused') {
      const refusal: unknown = await this.#commit(evolution.shape).catch((error: unknown) => error);
      expect(String(refusal)).to.match(evolution.words);
    } else {
      await this.#commit(evolution.shape);
      this.#take(evolution);
    }
    // What comes while it is being built, before a restart and after it.
    if (this.#random.next() < 0.7) await this.#push();
    if (this.#random.next() < 0.35) await this.#restart();
    await this.#pushToOld();
    await this.#push();
    await this.#settle();
    await this.#check();
  }

  #take({ shape, carry }: Evolution & { readonly kind: 'taken' }): void {
    if (carry !== undefined) {
      for (const [version, before] of [...this.#carries]) {
        this.#carries.set(version, (row) => {
          const upgraded = before(row);
          return upgraded && carry(upgraded);
        });
      }
      // What starts empty carries nothing, and neither does what came before it.
      if (shape.d.upgrade === "'empty'") this.#carries.clear();
      else this.#carries.set(this.#shape.d.version, carry);
      this.#held = this.#held.flatMap((row) => carry(row) ?? []);
    }
    this.#shape = shape;
  }

  /** Some records, now and then by a producer that repeats itself. */
  async #push(): Promise<void> {
    const rows = this.#rows(this.#random.integer(1, 12));
    const producer = this.#random.next() < 0.5 ? { producer_id: 'p', sequence: this.#sequence } : {};
    this.#sequence += rows.length;
    await this.#send('D', rows, producer);
    if ('sequence' in producer && this.#random.next() < 0.5) await this.#send('D', rows, producer); // a retry: one record each (S13)
    this.#held = [...this.#held, ...rows];
  }

  async #pushToOld(): Promise<void> {
    const versions = [...this.#carries.keys()];
    if (versions.length === 0 || this.#random.next() < 0.6) return;
    const version = this.#random.pick(versions);
    const rows = this.#rows(this.#random.integer(1, 3));
    const token = this.#token;
    await this.#send(`D@${version}`, rows, {});
    this.#token = token; // of a topic that the newest version's readers do not read
    this.#told.push(`pushed to D@${version}`);
    this.#held = [...this.#held, ...rows.flatMap((row) => this.#carries.get(version)?.(row) ?? [])];
  }

  #rows(count: number): Held[] {
    const push = this.#pushedMs.length;
    return Array.from({ length: count }, () => ({
      k: this.#random.pick(KEYS.slice(0, 3)),
      x: this.#random.integer(0, 20),
      at: this.#freshTime(),
      push,
    }));
  }

  readonly #times = new Set<number>();

  /** Within two hours, and nobody else's: rows of one time would be ordered by where they came from. */
  #freshTime(): number {
    for (;;) {
      const at = Date.now() - this.#random.integer(MINUTE_MS, 120 * MINUTE_MS);
      if (this.#times.has(at)) continue;
      this.#times.add(at);
      return at;
    }
  }

  async #send(dataset: string, rows: readonly Held[], producer: object): Promise<void> {
    const events = rows.map(({ k, x, at }) => ({ k, x, at: new Date(at).toISOString() }));
    const answer = jsonOf(await post(`${this.#platform.url}/api/v1/log`, { dataset, events, ...producer }));
    expect(answer.events_sent).to.equal(events.length);
    this.#token = String(answer.token);
    // Records were taken in at microseconds: all of this push's lie before that millisecond, and the next one's behind it.
    const knownMs = Date.now() + KNOWN_AFTER_MS;
    this.#pushedMs.push(knownMs);
    while (Date.now() < knownMs + KNOWN_AFTER_MS) await new Promise((resolve) => setImmediate(resolve));
  }

  async #commit(shape: Shape): Promise<void> {
    const path = join(this.#folder, 'features.ts');
    writeFileSync(path, moduleOf(shape));
    await commitFile(path, this.#platform.context, { removes: ['all'] });
  }

  async #start(): Promise<void> {
    const backfill = this.#random.next() < 0.3 ? { backfillRecordsPerS: this.#random.integer(40, 200) } : {};
    this.#platform = await startEmbeddedPlatform({ partitions: this.#partitions, dataDir: join(this.#folder, 'data'), ...backfill });
  }

  async #restart(): Promise<void> {
    this.#told.push('restarted');
    await this.#platform.stop();
    await this.#start();
  }

  /** Until the newest revision is adopted, and all that it needs is built and read. */
  async #settle(): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const status = jsonOf(await request(`${this.#platform.url}/api/v1/status`)) as unknown as Status;
      const { latest_commit: latest, tasks, backfills, jobs } = status;
      const isAdopted = tasks.length === this.#partitions && tasks.every(({ revision }) => String(revision) === latest.id);
      if (isAdopted && backfills.length === 0 && jobs.every(({ progress }) => progress.caught_up && progress.lag === 0)) return;
      if (deadline.aborted) throw new Error(`it does not settle: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #check(): Promise<void> {
    const { a, big } = this.#shape;
    const now = Date.now();
    const instants = [now, now - this.#random.integer(0, 130 * MINUTE_MS)];
    for (const k of KEYS) {
      for (const at of instants) {
        if (a !== undefined) await this.#equals('A', k, { at }, answerOfA(this.#held, a, k, at));
        if (big !== undefined) await this.#equals('C', k, { at }, answerOfC(this.#held, big, k, at));
      }
      const push = this.#random.integer(0, this.#pushedMs.length - 1);
      const knownAt = this.#pushedMs[push] ?? now;
      if (a !== undefined) await this.#equals('A', k, { at: now, knownAt }, answerOfA(this.#held, a, k, now, push));
    }
  }

  /** A replica may be some milliseconds behind what the status tells; what is wrong stays wrong. */
  async #equals(
    dataset: string,
    k: string,
    { at, knownAt }: { readonly at: number; readonly knownAt?: number },
    expected: object,
  ): Promise<void> {
    const url = new URL('/features', this.#platform.url);
    const parameters = { entity_type: dataset, entity_id: k, timestamp: new Date(at).toISOString(), after: this.#token };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    if (knownAt !== undefined) url.searchParams.set('known_at', new Date(knownAt).toISOString());
    const deadline = AbortSignal.timeout(5_000);
    for (;;) {
      const { text } = await request(url.href);
      const { features, detail } = JSON.parse(text) as { readonly features?: Record<string, unknown>; readonly detail?: unknown };
      const given = Object.fromEntries(Object.keys(expected).map((name) => [name, features?.[name]]));
      if (JSON.stringify(given) === JSON.stringify(expected)) return;
      if (deadline.aborted)
        expect({ ...given, detail }, `${dataset} of ${k} at ${at}, known at ${knownAt}`).to.deep.equal({ ...expected, detail: undefined });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('random evolutions of a module (S19, S19a, S25a)', function () {
  this.timeout(3_600_000);

  it('leave every answer as loops over the accepted records give it: nothing twice, nothing lost, whatever is restarted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), (seed) => new Story(seed).live(PER_STORY)),
      { numRuns: Math.ceil(EVOLUTIONS / PER_STORY), endOnFailure: true },
    );
  });
});
