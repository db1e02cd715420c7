import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';

const API_VERSIONS = 18;
/** Kafka 2.3: produce 7, fetch 11 was still to come. */
const OLD_VERSIONS: Readonly<Record<number, number>> = { 0: 7, 1: 10, 2: 5, 3: 8, 10: 2, 18: 2, 22: 1, 24: 1, 26: 1 };

describe('a Kafka that is not there, or not of use', () => {
  const opening = (port: number): Promise<unknown> =>
    openKafkaLog({ brokers: [`127.0.0.1:${port}`], clientId: 'thyme-test' }).catch((error: unknown) => error);

  it('is named where nobody listens, and where somebody hangs up', async () => {
    const server = await listening(createServer((socket) => socket.destroy()));
    const port = portOf(server);
    const hungUp = await opening(port);
    expect(hungUp).to.include({ code: 'THYME_KAFKA_ABSENT', status: 'UNAVAILABLE' });
    await closed(server);
    const nobody = await opening(port);
    expect(nobody).to.include({ code: 'THYME_KAFKA_ABSENT', status: 'UNAVAILABLE' });
    expect(String(nobody)).to.contain(`127.0.0.1:${port}`).and.contain('ECONNREFUSED');
  });

  it('is refused when it is too old, with what it lacks', async () => {
    const server = await listening(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (request) => void socket.write(versionsAnswer(request)));
      }),
    );
    try {
      const error = await opening(portOf(server));
      expect(error).to.include({ code: 'THYME_KAFKA_TOO_OLD', status: 'FAILED_PRECONDITION' });
      expect(String(error)).to.contain('version 11 of Fetch').and.contain('2.4 or newer');
    } finally {
      await closed(server);
    }
  });
});

/** | length | correlation id i32 | error i16 | count | count x (key i16, least i16, most i16) | throttle i32 | */
function versionsAnswer(request: Buffer): Buffer {
  expect(request.readInt16BE(4)).to.equal(API_VERSIONS);
  const versions = Object.entries(OLD_VERSIONS);
  const answer = Buffer.alloc(4 + 4 + 2 + 4 + versions.length * 6 + 4);
  answer.writeInt32BE(answer.length - 4, 0);
  answer.writeInt32BE(request.readInt32BE(8), 4);
  answer.writeInt32BE(versions.length, 10);
  for (const [index, [key, most]] of versions.entries()) {
    answer.writeInt16BE(Number(key), 14 + index * 6);
    answer.writeInt16BE(most, 18 + index * 6);
  }
  return answer;
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // It listens.
}
