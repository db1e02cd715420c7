import { toBinary, type DescMethod, type Message } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { FUZZ_RUNS, type Outcome } from './fuzz-target.js';

/** What one call may take, also one that waits for what never comes, such as a token's records. */
const DEADLINE_MS = 5_000;
/**
 * Streams without end may have nothing to say at first, or ever. Of thousands some answer early on a busy machine too;
 * of a few hundred each is given time.
 */
const ENDLESS_DEADLINE_MS = FUZZ_RUNS > 1_000 ? 200 : 1_000;

/** Calls that one connection carries: Node's server closes those on which too many streams were reset (CVE-2023-44487). */
const CALLS_PER_CONNECTION = 500;

/** Sends bytes as requests of any method, whether or not they are messages. */
export class RpcCaller {
  readonly #target: string;
  readonly #metadata = new Metadata();
  readonly #clients: Client[] = [];
  #calls = 0;

  /** The key is sent with each call. */
  constructor(target: string, apiKey: string) {
    this.#target = target;
    this.#metadata.set('authorization', `Bearer ${apiKey}`);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  send(method: DescMethod, messages: readonly Message[]): Promise<Outcome> {
    return this.sendBytes(
      method,
      messages.map((message) => toBinary(method.input, message)),
      messages,
    );
  }

  /** A stream without end is left at its first answer. */
  sendBytes(method: DescMethod, requests: readonly Uint8Array[], input: unknown = requests): Promise<Outcome> {
    const path = `/${method.parent.typeName}/${method.name}`;
    const endless = isEndless(method);
    return new Promise((resolve) => {
      const call = this.#client().makeBidiStreamRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes: Buffer) => bytes,
        this.#metadata,
        { deadline: Date.now() + (endless ? ENDLESS_DEADLINE_MS : DEADLINE_MS) },
      );
      const end = (code: string, text: string): void => resolve({ input: { path, input }, status: code, text });
      call.on('data', () => {
        if (!endless) return;
        end('OK', '');
        call.cancel();
      });
      call.on('error', (error: ServiceError) => end(status[error.code] ?? String(error.code), error.details));
      call.on('end', () => undefined); // the status follows
      call.on('status', ({ code, details }: { readonly code: status; readonly details: string }) => end(status[code], details));
      for (const request of requests) call.write(request);
      call.end();
    });
  }

  #client(): Client {
    if (this.#calls++ % CALLS_PER_CONNECTION === 0) {
      this.#clients.push(new Client(this.#target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }));
      // Calls of the one before the last have long been answered.
      if (this.#clients.length > 2) this.#clients.shift()?.close();
    }
    const client = this.#clients.at(-1);
    if (client === undefined) throw new Error('there is always one');
    return client;
  }
}

/** Whether it streams until somebody leaves. */
export function isEndless({ name }: DescMethod): boolean {
  return name === 'Watch' || name === 'WatchKeys' || name === 'Subscribe';
}
