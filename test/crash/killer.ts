import { setTimeout as sleep } from 'node:timers/promises';
import type { RestClient } from '../../libs/client/rest-client.js';
import type { Cluster, ProcessName } from './cluster.js';
import { diverge } from './diverge.js';
import type { Extras } from './extras.js';
import type { Kill } from './plan.js';
import { Recovery } from './recovery.js';

export interface KillResult {
  readonly target: string;
  /** The crash point, or 'random'. */
  readonly where: string;
  /** The void rule: it died there, and of that. */
  readonly observed: boolean;
  /** From the death to a push that is acknowledged and read back; undefined where the next kill came before. */
  readonly recoveryMs: number | undefined;
}

const STRIKE_DEADLINE_MS = 30_000;
/** Enough records for a snapshot of several chunks. */
const GROW_MS = 2_500;
const COMMIT_PAUSE_MS = 100;

/** Carries out the kills of a round, one after another. */
export class Killer {
  readonly #cluster: Cluster;
  readonly #extras: Extras;
  readonly #recovery: Recovery;
  /** The kill whose crash a running process has been started with. */
  #armed: Kill | undefined;

  constructor(cluster: Cluster, extras: Extras, client: RestClient) {
    this.#cluster = cluster;
    this.#extras = extras;
    this.#recovery = new Recovery(client);
  }

  async run(kills: readonly Kill[]): Promise<readonly KillResult[]> {
    const results: KillResult[] = [];
    for (const [i, kill] of kills.entries()) {
      const { point, target } = kill;
      const observed = point === undefined ? await this.#killAtRandom(kill) : await this.#killAtPoint(kill);
      const diedMs = this.#cluster.child(target).end?.atMs ?? Date.now();
      const recoveryMs = await this.#restart(target, kills[i + 1], diedMs);
      results.push({ target, where: point?.name ?? 'random', observed, recoveryMs });
    }
    while (!(await this.#extras.commit())) await sleep(COMMIT_PAUSE_MS);
    return results;
  }

  /** With something to commit, it dies wherever that has come to. */
  async #killAtRandom({ target, delayMs, evolution }: Kill): Promise<boolean> {
    const dies = async (): Promise<boolean> => {
      await sleep(delayMs);
      const child = this.#cluster.child(target);
      const wasRunning = child.isRunning();
      await this.#cluster.kill(target);
      return wasRunning && child.end?.signal === 'SIGKILL';
    };
    if (evolution === undefined) return dies();
    this.#extras.evolve(evolution);
    const [observed] = await Promise.all([dies(), this.#extras.commit()]);
    return observed;
  }

  /** Waits for the process to die by itself; what was not seen to die there does not count. */
  async #killAtPoint(kill: Kill): Promise<boolean> {
    const { target, point } = kill;
    if (point === undefined) return false;
    if (this.#armed !== kill) await this.#arm(kill);
    if (point.need === 'commit') this.#extras.evolve(kill.evolution ?? 'extra');
    const child = this.#cluster.child(target);
    const endMs = Date.now() + STRIKE_DEADLINE_MS;
    while (child.isRunning() && Date.now() < endMs) {
      if (point.need === 'commit') await this.#extras.commit();
      await Promise.race([child.ended, sleep(COMMIT_PAUSE_MS)]);
    }
    const observed = child.diedAt(point.name);
    if (child.isRunning()) await this.#cluster.kill(target);
    return observed;
  }

  /** Starts the target anew with its crash, and whatever its point needs. */
  async #arm(kill: Kill): Promise<void> {
    const { target, point } = kill;
    if (point?.need === 'divergence') await sleep(GROW_MS);
    await this.#cluster.kill(target);
    if (point?.need !== 'divergence') {
      this.#cluster.start(target, crashOf(kill));
    } else if (point.role === 'owner') {
      await this.#cluster.start(target, crashOf(kill)).ready;
      await this.#divergeReader('');
    } else {
      await this.#divergeReader(crashOf(kill));
    }
  }

  async #divergeReader(crash: string): Promise<void> {
    await this.#cluster.kill('reader');
    await diverge(this.#cluster.replicaFolders[0] ?? '', 0);
    this.#cluster.start('reader', crash);
  }

  /** Back up: with the next crash where it is the same process's, else until it serves. */
  async #restart(target: ProcessName, next: Kill | undefined, diedMs: number): Promise<number | undefined> {
    const arms = next?.target === target && next.point !== undefined && next.point.need !== 'divergence';
    this.#armed = arms ? next : undefined;
    const child = this.#cluster.start(target, arms ? crashOf(next) : '');
    // A process that is to die again soon is not waited for; a random kill may also hit one that is starting.
    if (arms || (next?.point === undefined && next !== undefined && next.delayMs < 300)) return undefined;
    if ((await child.ready) === undefined) throw new Error(`${target} did not come back:\n${child.errors.join('\n')}`);
    return (await this.#recovery.untilServing()) - diedMs;
  }
}

function crashOf({ point, nth }: Kill): string {
  return point === undefined ? '' : `${point.name}:${nth}:kill`;
}
