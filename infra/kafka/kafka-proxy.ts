import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a message gets lost: before the broker sees the request, or before the client sees the answer. */
export type LostPart = 'request' | 'answer';

interface Loss {
  readonly apiKey: number;
  readonly part: LostPart;
  readonly happened: () => void;
}

/** Larger than any request of the log; what is longer is no Kafka. */
const FRAME_BYTES_MAX = 128 * 1024 * 1024;
const LENGTH_BYTES = 4;

/**
 * Between clients and one broker: it passes on Kafka's messages and loses those that a test names, together
 * with the connection, as a network does that fails at the worst moment.
 *
 *   request = | length u32 | api key i16 | version i16 | correlation id i32 | ... |
 *   answer  = | length u32 | correlation id i32 | ... |
 */
export class KafkaProxy {
  readonly #server: Server;
  readonly #brokerPort: number;
  readonly #sockets = new Set<Socket>();
  #losses: Loss[] = [];

  private constructor(server: Server, brokerPort: number) {
    this.#server = server;
    this.#brokerPort = brokerPort;
    server.on('connection', (client) => this.#pass(client));
  }

  /** Listens on loopback at the port that the broker advertises. */
  static async open(port: number, brokerPort: number): Promise<KafkaProxy> {
    const server = createServer();
    const proxy = new KafkaProxy(server, brokerPort);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** Loses the next request of this kind, or its answer, and breaks its connection; resolves when that has happened. */
  lose(apiKey: number, part: LostPart): Promise<void> {
    return new Promise((happened) => this.#losses.push({ apiKey, part, happened }));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return; // another has its port
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.#brokerPort });
    /** Correlation ids whose answers are to be lost. */
    const doomed = new Map<number, Loss>();
    const end = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    client.on(
      'data',
      framesTo((frame) => {
        const loss = this.#take(frame.readInt16BE(LENGTH_BYTES));
        if (loss?.part === 'answer') doomed.set(frame.readInt32BE(LENGTH_BYTES + 4), loss);
        if (loss?.part !== 'request') return void broker.write(frame);
        end();
        loss.happened();
      }),
    );
    broker.on(
      'data',
      framesTo((frame) => {
        const loss = doomed.get(frame.readInt32BE(LENGTH_BYTES));
        if (loss === undefined) return void client.write(frame);
        end();
        loss.happened();
      }),
    );
  }

  #take(apiKey: number): Loss | undefined {
    const loss = this.#losses.find((planned) => planned.apiKey === apiKey);
    this.#losses = this.#losses.filter((planned) => planned !== loss);
    return loss;
  }
}

/** Cuts a stream into messages, each given with its length. */
function framesTo(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0);
      if (length > FRAME_BYTES_MAX) throw new RangeError(`a message of ${length} bytes is none of Kafka's`);
      if (rest.length < LENGTH_BYTES + length) return;
      const frame = rest.subarray(0, LENGTH_BYTES + length);
      rest = rest.subarray(LENGTH_BYTES + length);
      take(frame);
    }
  };
}
