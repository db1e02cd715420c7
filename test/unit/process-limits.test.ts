import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import fc from 'fast-check';
import { LogRequestSchema } from '../../gen/thyme/v1/ingest_pb.js';
import { QueryBatchRequestSchema } from '../../gen/thyme/v1/query_pb.js';
import { ByteBudget, BYTES_UNCOUNTED, Holding } from '../../libs/limits/byte-budget.js';
import { Connections, placeOf } from '../../libs/limits/connections.js';
import { connectionsAllowed } from '../../libs/limits/descriptor-limit.js';
import { OpenCalls } from '../../libs/limits/open-calls.js';
import { RESETS_MAX, SessionPace, SESSION_STREAMS_MAX } from '../../libs/rpc/session-pace.js';
import { exceedsElements } from '../../libs/rpc/wire-elements.js';

let port = 1;

/** As much of a socket as is looked at. */
function socket(): Socket & { readonly isDestroyed: () => boolean } {
  const made = Object.assign(new EventEmitter(), {
    remoteAddress: '127.0.0.1',
    remotePort: port++,
    localPort: 80,
    destroyed: false,
    destroy() {
      made.destroyed = true;
      made.emit('close');
    },
    isDestroyed: () => made.destroyed,
  });
  return made as unknown as Socket & { readonly isDestroyed: () => boolean };
}

/** As much of a server. */
function emitter(): Server {
  const made: unknown = new EventEmitter();
  return made as Server;
}

describe('the limits of a process', () => {
  it('the budget holds what its calls hold, whatever they take and give', () => {
    const step = fc.record({ call: fc.nat({ max: 4 }), bytes: fc.nat({ max: 20_000 }), isGiven: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = new ByteBudget(60_000);
        const calls = Array.from({ length: 5 }, () => ({ holding: new Holding(budget), bytes: 0 }));
        for (const { call, bytes, isGiven } of steps) {
          const one = calls[call];
          if (one === undefined) continue;
          const others = calls
            .filter((other) => other !== one)
            .reduce((sum, other) => sum + (other.bytes > BYTES_UNCOUNTED ? other.bytes : 0), 0);
          if (isGiven) {
            one.holding.give(bytes);
            one.bytes = Math.max(0, one.bytes - bytes);
          } else if (one.bytes + bytes > BYTES_UNCOUNTED && others + one.bytes + bytes > 60_000) {
            expect(() => one.holding.take(bytes)).to.throw('as many bytes');
          } else {
            one.holding.take(bytes);
            one.bytes += bytes;
          }
          const held = calls.reduce((sum, other) => sum + (other.bytes > BYTES_UNCOUNTED ? other.bytes : 0), 0);
          expect(budget.held).to.equal(held);
        }
        for (const { holding } of calls) holding.release();
        expect(budget.held).to.equal(0);
      }),
    );
  });

  it('calls are counted by key and by method', () => {
    const calls = new OpenCalls();
    for (let i = 0; i < 3; i++) calls.enter('/a', 3);
    expect(() => calls.enter('/a', 3)).to.throw('are open');
    calls.leave('/a');
    calls.enter('/a', 3);
    for (let i = 0; i < 2_048; i++) calls.enterCaller('ab12cd34');
    expect(() => calls.enterCaller('ab12cd34')).to.throw('are open');
    calls.enterCaller(undefined);
  });

  it('half of the descriptors are left to the stores', () => {
    expect([1_500, 1_024, 10, Number.POSITIVE_INFINITY].map(connectionsAllowed)).to.deep.equal([750, 512, 32, 10_000]);
  });

  it('a new connection takes the place of a silent one, then of an idle one, and of none that has a call', async () => {
    const served: Socket[] = [];
    const server = emitter();
    server.on('connection', (each: Socket) => served.push(each));
    const connections = new Connections(3);
    connections.guard(server);
    const [busy, idle, silent] = [socket(), socket(), socket()];
    for (const each of [busy, idle, silent]) server.emit('connection', each);
    connections.begin(placeOf(busy));
    connections.begin(placeOf(idle));
    connections.end(placeOf(idle));
    const [fourth, fifth, sixth] = [socket(), socket(), socket()];
    server.emit('connection', fourth);
    expect([busy, idle, silent].map((each) => each.isDestroyed())).to.deep.equal([false, false, true]);
    connections.begin(placeOf(fourth));
    server.emit('connection', fifth);
    expect([busy, idle, fourth].map((each) => each.isDestroyed())).to.deep.equal([false, true, false]);
    connections.begin(placeOf(fifth));
    server.emit('connection', sixth);
    expect([busy, fourth, fifth, sixth].map((each) => each.isDestroyed())).to.deep.equal([false, false, false, true]);
    expect(connections.count).to.equal(3);
    await setImmediate();
    expect(served).to.have.length(5);
  });

  it('connections that come at once are served a few a turn, in their order', async () => {
    const served: Socket[] = [];
    const server = emitter();
    server.on('connection', (each: Socket) => served.push(each));
    new Connections(100).guard(server);
    const all = Array.from({ length: 30 }, socket);
    for (const each of all) server.emit('connection', each);
    expect(served).to.have.length(4);
    for (let turns = 0; served.length < 30; turns++) {
      expect(turns).to.be.below(10);
      await setImmediate();
    }
    expect(served).to.deep.equal(all);
  });

  it('a session that opens more calls in a turn than it may have, or cancels too many, is closed', async () => {
    let nowUs = 1e15;
    const pace = new SessionPace(() => nowUs);
    const said = Array.from({ length: SESSION_STREAMS_MAX + 1 }, () => pace.opened());
    expect([said[0], said[15], said[16], said[SESSION_STREAMS_MAX - 1], said[SESSION_STREAMS_MAX]]).to.deep.equal([
      'begin',
      'begin',
      'wait a turn',
      'wait a turn',
      'close the session',
    ]);
    await setImmediate();
    expect(pace.opened()).to.equal('begin');
    for (let i = 0; i < RESETS_MAX; i++) expect(pace.wasReset()).to.equal(false);
    expect(pace.wasReset()).to.equal(true);
    nowUs += 10e6;
    expect(pace.wasReset()).to.equal(false);
  });

  it('elements are counted on the wire as they are in the message', () => {
    const request = create(QueryBatchRequestSchema, {
      featureset: 'F',
      entities: Array.from({ length: 10 }, () => ({ values: [{ kind: { case: 'intValue' as const, value: 1n } }] })),
    });
    const bytes = toBinary(QueryBatchRequestSchema, request);
    // The name, and of each key the entity, its value, and what that is.
    expect([31, 30].map((max) => exceedsElements(QueryBatchRequestSchema, bytes, max))).to.deep.equal([false, true]);
    const log = create(LogRequestSchema, {
      json: new Uint8Array(1_000_000),
      events: [{ fields: { a: { kind: { case: 'boolValue', value: true } } } }],
    });
    expect([6, 5].map((max) => exceedsElements(LogRequestSchema, toBinary(LogRequestSchema, log), max))).to.deep.equal([false, true]);
  });

  it('bytes that are no message exceed nothing, and end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(exceedsElements(LogRequestSchema, bytes, 1_000)).to.be.a('boolean');
      }),
    );
  });
});
