import { once } from 'node:events';
import { connect, createServer, type ClientHttp2Session, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { BEGUN_A_TURN, CallQueue } from '../../libs/rpc/call-queue.js';
import { CONNECTIONS_A_TURN, readingOf, ReadTurns, STREAMS_A_TURN, type Reading } from '../../libs/rpc/read-turns.js';

/** A connection that has so many calls to open, a few in each turn in which it is read. */
class Talker implements Reading {
  isRead = true;
  turns = 0;

  stopReading(): void {
    this.isRead = false;
  }

  startReading(): void {
    this.isRead = true;
  }
}

/** What libuv does in a turn: reads every connection that is read, each of which opens so many calls. Gives how many were opened. */
function poll(turns: ReadTurns, talkers: readonly Talker[], callsOfEach: number): number {
  let opened = 0;
  for (const talker of talkers) {
    if (!talker.isRead) continue;
    talker.turns += 1;
    for (let i = 0; i < callsOfEach; i++, opened++) turns.opened(talker);
  }
  return opened;
}

describe('what connections open in a turn of the event loop', () => {
  it('is bounded for all of them together, and each comes to its turn', async () => {
    const turns = new ReadTurns();
    const talkers = Array.from({ length: 200 }, () => new Talker());
    for (const talker of talkers) turns.add(talker);
    for (let turn = 0; talkers.some((talker) => talker.turns < 3); turn++) {
      expect(turn, 'turns').to.be.below(700);
      expect(poll(turns, talkers, 100)).to.be.within(1, STREAMS_A_TURN + 100);
      await setImmediate();
    }
    expect(Math.max(...talkers.map((talker) => talker.turns)), 'nobody is read far more often than another').to.be.at.most(9);
  });

  it('leaves nobody aside once they are quiet, a few a turn, and never one that opens little', async () => {
    const turns = new ReadTurns();
    const talkers = Array.from({ length: 50 }, () => new Talker());
    for (const talker of talkers) turns.add(talker);
    poll(turns, talkers, 1);
    expect(talkers.every(({ isRead }) => isRead)).to.equal(true);
    await setImmediate();
    poll(turns, talkers, STREAMS_A_TURN);
    expect(talkers.filter(({ isRead }) => isRead)).to.have.length(0);
    turns.delete(talkers[49] ?? new Talker());
    await setImmediate();
    expect(talkers.filter(({ isRead }) => isRead)).to.have.length(CONNECTIONS_A_TURN);
    for (let turn = 0; turn < 50 / CONNECTIONS_A_TURN; turn++) await setImmediate();
    expect(talkers.map(({ isRead }) => isRead)).to.deep.equal(talkers.map((_, i) => i !== 49)); // it is gone: nobody touches it
  });

  it('a connection that is left aside is not read by Node, and goes on where it was', async () => {
    const server = createServer();
    const arrived: string[] = [];
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      arrived.push(String(headers[':path']));
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const aside = connect(url);
    const [session] = (await once(server, 'session')) as [ServerHttp2Session];
    const other = connect(url);
    try {
      await answered(aside, '/first');
      const reading = readingOf(session.socket);
      reading.stopReading();
      const late = answered(aside, '/late');
      for (let i = 0; i < 20; i++) await answered(other, '/other');
      expect(arrived.filter((path) => path !== '/other')).to.deep.equal(['/first']);
      reading.startReading();
      await late;
      expect(arrived).to.include('/late');
    } finally {
      aside.destroy();
      other.destroy();
      server.close();
    }
  });
});

async function answered(session: ClientHttp2Session, path: string): Promise<void> {
  const stream = session.request({ ':path': path });
  await once(stream, 'response');
}

describe('calls that wait to be begun', () => {
  it('are begun so many a turn, one of each connection in rotation; those that are gone cost nothing', async () => {
    const begun: string[] = [];
    const queue = new CallQueue<string, string>((call) => !call.endsWith('gone') && begun.push(call) > 0);
    for (let i = 0; i < BEGUN_A_TURN; i++) queue.addNow('a', `a${i}`);
    for (let i = 0; i < 100; i++) queue.addNow('a', `a gone`);
    for (let i = 0; i < 2 * BEGUN_A_TURN; i++) queue.addNow('b', `b${i}`);
    queue.addNow('c', 'c0');
    expect(begun).to.have.length(BEGUN_A_TURN);
    await setImmediate();
    expect(begun).to.have.length(2 * BEGUN_A_TURN);
    expect(begun.slice(BEGUN_A_TURN, BEGUN_A_TURN + 3)).to.deep.equal(['b0', 'c0', 'b1']);
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    expect(begun.filter((call) => call.startsWith('b'))).to.deep.equal(Array.from({ length: 2 * BEGUN_A_TURN }, (_, i) => `b${i}`));
  });

  it('a call never overtakes an earlier one of its connection', async () => {
    const begun: number[] = [];
    const queue = new CallQueue<string, number>((call) => begun.push(call) > 0);
    queue.add('a', 0);
    queue.addNow('a', 1);
    queue.addNow('b', 2);
    expect(begun).to.deep.equal([2]);
    await setImmediate();
    expect(begun).to.deep.equal([2, 0, 1]);
  });
});
