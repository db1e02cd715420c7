import { isLoopbackTarget } from '../../libs/config/listen-address.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Service } from '../../libs/lifecycle/service.js';
import { openChannel, type RpcChannel } from '../../libs/rpc/client.js';
import type { ServeConfig } from './serve-config.js';

export interface PeerOptions extends Pick<ServeConfig, 'peerTls' | 'insecure'> {
  /** What they are called with; undefined while it is not known yet. */
  readonly internalKey: () => string | undefined;
}

/** Connections to other processes, one for each target; a service, so that they close after what uses them. */
export class PeerChannels implements Service {
  readonly done = Promise.resolve();
  readonly #options: PeerOptions;
  readonly #open = new Map<string, RpcChannel>();

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  to(target: string | undefined): RpcChannel {
    if (target === undefined) throw new ThymeError('THYME_CONFIG', 'INVALID_ARGUMENT', 'a peer is not configured'); // serve-config checks it
    const { peerTls, insecure, internalKey } = this.#options;
    // Also for those that the group names, of which the configuration knows nothing.
    if (peerTls === undefined && !insecure && !isLoopbackTarget(target)) throw plainText(target);
    const channel =
      this.#open.get(target) ?? openChannel({ target, apiKey: internalKey, ...(peerTls === undefined ? {} : { tls: peerTls }) });
    this.#open.set(target, channel);
    return channel;
  }

  async start(): Promise<void> {
    // They connect at the first call.
  }

  async stop(): Promise<void> {
    for (const channel of this.#open.values()) channel.close();
  }
}

function plainText(target: string): ThymeError {
  return new ThymeError(
    'THYME_PLAIN_TEXT',
    'FAILED_PRECONDITION',
    `the internal key is not sent to ${target} in plain text: configure THYME_TLS_CA (and the process there THYME_TLS_CERT), or say --insecure`,
  );
}
