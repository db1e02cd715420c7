import { create } from '@bufbuild/protobuf';
import { WatchKeysRequestSchema, type KeyService } from '../../gen/thyme/v1/keys_pb.js';
import type { Service } from '../../libs/lifecycle/service.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Logger } from '../../libs/telemetry/logger.js';
import type { Clock } from '../../libs/time/clock.js';
import type { KeyState } from './key-book.js';
import { keyFromProto } from './key-messages.js';

export interface RemoteKeysOptions {
  readonly keys: ServiceHandlers<typeof KeyService>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onState: (state: KeyState) => void;
}

const RETRY_MS = 200;

/** Follows the keys of the process that has the log. While that one does not answer, what was last known holds. */
export class RemoteKeys implements Service {
  readonly done = Promise.resolve();
  readonly #options: RemoteKeysOptions;
  readonly #stopping = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#following = this.#follow(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { keys, clock, logger, onState } = this.#options;
    let isLost = false;
    while (!signal.aborted) {
      try {
        for await (const { keys: known, secret } of keys.watchKeys(create(WatchKeysRequestSchema), { signal })) {
          isLost = false;
          onState({ keys: known.map(keyFromProto), secret: secret.length === 0 ? undefined : secret });
        }
      } catch (error) {
        // Said once, and not at each attempt of an outage.
        if (!signal.aborted && !isLost) logger.warn('the owner does not tell its keys: those that are known go on to hold', { error });
        isLost = true;
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
