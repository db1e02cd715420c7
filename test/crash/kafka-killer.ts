import { setTimeout as sleep } from 'node:timers/promises';
import { diverge } from './diverge.js';
import type { Extras } from './extras.js';
import type { Fleet, FleetName } from './kafka-fleet.js';
import type { FleetKill } from './kafka-plan.js';
import type { FleetRecovery } from './kafka-recovery.js';
import type { KillResult } from './killer.js';
import { until } from './rest.js';
import { listTasks } from './settle.js';

/** A partition may first have to come to the armed process: a session's end, a generation, a replay. */
const STRIKE_DEADLINE_MS = 60_000;
/** Enough records for a snapshot of several chunks. */
const GROW_MS = 2_500;
const COMMIT_PAUSE_MS = 100;
/**
 * On a busy machine a process may have no partition for as long as it is waited for: it is not the case that was meant,
 * and is tried again.
 */
const TRIES_MAX = 3;

export interface FleetKillerOptions {
  readonly fleet: Fleet;
  readonly extras: Extras;
  readonly recovery: FleetRecovery;
}

/** Carries out the kills of a round, one after another. */
export class FleetKiller {
  readonly #fleet: Fleet;
  readonly #extras: Extras;
  readonly #recovery: FleetRecovery;

  constructor({ fleet, extras, recovery }: FleetKillerOptions) {
    this.#fleet = fleet;
    this.#extras = extras;
    this.#recovery = recovery;
  }

  async run(kills: readonly FleetKill[]): Promise<readonly KillResult[]> {
    const results: KillResult[] = [];
    let armed: FleetKill | undefined;
    for (const [i, kill] of kills.entries()) {
      const { point, target } = kill;
      const observed = point === undefined ? await this.#killAtRandom(kill) : await this.#killAtPoint(kill, armed === kill);
      const diedMs = this.#fleet.child(target).end?.atMs ?? Date.now();
      const next = kills[i + 1];
      armed = next?.target === target && next.point?.need === 'unapplied' ? next : undefined;
      this.#fleet.start(target, armed === undefined ? '' : crashOf(armed));
      const awaits = armed === undefined && (kill.awaits || next === undefined);
      const recoveryMs = awaits ? (await this.#recovered(target)) - diedMs : undefined;
      results.push({ target, where: point?.name ?? 'random', observed, recoveryMs });
    }
    while (!(await this.#extras.commit())) await sleep(COMMIT_PAUSE_MS);
    return results;
  }

  async #recovered(name: FleetName): Promise<number> {
    const child = this.#fleet.child(name);
    if ((await child.ready) === undefined) throw new Error(`${name} did not come back:\n${child.errors.join('\n')}`);
    return this.#recovery.untilServing();
  }

  /** With something to commit, it dies wherever that has come to. */
  async #killAtRandom({ target, delayMs, evolution }: FleetKill): Promise<boolean> {
    const dies = async (): Promise<boolean> => {
      await sleep(delayMs);
      const child = this.#fleet.child(target);
      const wasRunning = child.isRunning();
      await this.#fleet.kill(target);
      return wasRunning && child.end?.signal === 'SIGKILL';
    };
    if (evolution === undefined) return dies();
    this.#extras.evolve(evolution);
    const [observed] = await Promise.all([dies(), this.#extras.commit()]);
    return observed;
  }

  /** Only what was seen to die where it was meant counts. What another death has prepared cannot be had again by itself. */
  async #killAtPoint(kill: FleetKill, isArmed: boolean): Promise<boolean> {
    if (isArmed) return this.#dies(kill);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      await this.#arm(kill);
      if (await this.#dies(kill)) return true;
    }
    return false;
  }

  /** Waits for the process to die by itself. */
  async #dies({ target, point, evolution }: FleetKill): Promise<boolean> {
    if (point === undefined) return false;
    if (point.need === 'commit') this.#extras.evolve(evolution ?? 'extra');
    const child = this.#fleet.child(target);
    const endMs = Date.now() + STRIKE_DEADLINE_MS;
    while (child.isRunning() && Date.now() < endMs) {
      if (point.need === 'commit') await this.#extras.commit();
      await Promise.race([child.ended, sleep(COMMIT_PAUSE_MS)]);
    }
    const observed = child.diedAt(point.name);
    if (child.isRunning()) await this.#fleet.kill(target);
    return observed;
  }

  /** Starts the target anew with its crash, and whatever its point needs. */
  async #arm(kill: FleetKill): Promise<void> {
    const { target, point } = kill;
    if (point?.need !== 'divergence') {
      await this.#fleet.kill(target);
      this.#fleet.start(target, crashOf(kill));
      return;
    }
    await sleep(GROW_MS);
    if (point.role === 'reader') return this.#divergeReader([0], crashOf(kill));
    await this.#fleet.kill(target);
    this.#fleet.start(target, crashOf(kill));
    // Snapshots are the owner's to serve: of what this process owns the reader is to need one.
    const owned = await until(`partitions of ${target}`, STRIKE_DEADLINE_MS, async () => {
      const tasks = await listTasks([this.#fleet.grpc(target)]);
      return tasks.length > 0 ? tasks.map(({ partition }) => partition) : undefined;
    });
    await this.#divergeReader(owned, '');
  }

  async #divergeReader(partitions: readonly number[], crash: string): Promise<void> {
    await this.#fleet.kill('reader');
    for (const partition of partitions) await diverge(this.#fleet.folderOf('reader'), partition);
    this.#fleet.start('reader', crash);
  }
}

function crashOf({ point, nth }: FleetKill): string {
  return point === undefined ? '' : `${point.name}:${nth}:kill`;
}
