import { ThymeError } from '../libs/errors/errors.js';
import type { Service } from '../libs/lifecycle/service.js';
import { openChannel, type RpcChannel } from '../libs/rpc/client.js';
import type { ServeConfig } from './serve-config.js';

/** Connections to other processes, one for each target; a service, so that they close after what uses them. */
export class PeerChannels implements Service {
  readonly done = Promise.resolve();
  readonly #config: Pick<ServeConfig, 'peerApiKey' | 'peerTls'>;
  readonly #open = new Map<string, RpcChannel>();

  constructor(config: Pick<ServeConfig, 'peerApiKey' | 'peerTls'>) {
    this.#config = config;
  }

  to(target: string | undefined): RpcChannel {
    if (target === undefined) throw new ThymeError('THYME_CONFIG', 'INVALID_ARGUMENT', 'a peer is not configured'); // serve-config checks it
    const { peerApiKey, peerTls } = this.#config;
    const channel = this.#open.get(target) ?? openChannel({ target, ...(peerApiKey === undefined ? {} : { apiKey: peerApiKey }), ...(peerTls === undefined ? {} : { tls: peerTls }) });
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
