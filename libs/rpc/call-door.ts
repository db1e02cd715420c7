import { constants, type Http2Server, type IncomingHttpHeaders, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { placeOf } from '../limits/connections.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import type { Clock } from '../time/clock.js';
import { CallQueue } from './call-queue.js';
import { CallTraffic } from './call-traffic.js';
import { Deadlines } from './deadlines.js';
import { METHOD_LIMITS } from './method-limits.js';
import { readingOf, ReadTurns, type Reading } from './read-turns.js';
import { refuseStream } from './refuse-stream.js';
import { endSession } from './session-end.js';
import { SessionPace } from './session-pace.js';

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Session extends Reading {
  readonly http2: Http2Session;
  readonly pace: SessionPace;
  readonly place: string;
  readonly calls: Set<CallTraffic>;
}

/** A call that has arrived and is not begun yet. */
interface Arrival {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly session: Session;
  readonly serve: Serve;
}

/**
 * Stands between node:http2 and grpc-js, which checks none of this: connections, the pace of each and of all, and the bytes of each call.
 * What it lets through is grpc-js's from there on.
 */
export class CallDoor {
  readonly #limits: ProcessLimits;
  readonly #clock: Clock;
  readonly #open = new Set<CallTraffic>();
  readonly #deadlines: Deadlines;
  readonly #sessions = new WeakMap<Http2Session, Session>();
  readonly #reads = new ReadTurns();
  readonly #queue = new CallQueue<Session, Arrival>((arrival) => this.#begin(arrival));
  #entering: CallTraffic | undefined;

  constructor(limits: ProcessLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock, this.#open);
  }

  /** The call that grpc-js is just being told of: its interceptors run within that. */
  get entering(): CallTraffic | undefined {
    return this.#entering;
  }

  /** Once it is bound, in the same turn, so that no connection was accepted before. */
  guard(server: Server): void {
    for (const http2Server of inside(server).http2Servers.keys()) {
      this.#limits.connections.guard(http2Server);
      http2Server.on('session', (session) => this.#connected(session));
      // The casts: those are the listeners that grpc-js has registered for streams.
      const serves = http2Server.listeners('stream') as Serve[];
      http2Server.removeAllListeners('stream');
      const serve: Serve = (stream, headers) => {
        for (const one of serves) one(stream, headers);
      };
      http2Server.on('stream', (stream, headers) => this.#arrived(stream, headers, serve));
    }
  }

  close(): void {
    this.#deadlines.close();
  }

  #connected(http2: Http2Session): void {
    const { socket } = http2;
    const session = {
      http2,
      pace: new SessionPace(() => this.#clock.nowUs()),
      place: placeOf(socket),
      calls: new Set<CallTraffic>(),
      ...readingOf(socket),
    };
    this.#sessions.set(http2, session);
    this.#reads.add(session);
    http2.once('close', () => this.#reads.delete(session));
  }

  #arrived(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serve: Serve): void {
    const session = stream.session === undefined || stream.session.destroyed ? undefined : this.#sessions.get(stream.session);
    if (session === undefined) return;
    stream.on('error', ignore); // until it is begun nobody else listens
    this.#reads.opened(session);
    const arrival = { stream, headers, session, serve };
    switch (session.pace.opened()) {
      case 'begin':
        this.#queue.addNow(session, arrival);
        break;
      case 'wait a turn':
        this.#queue.add(session, arrival);
        break;
      case 'close the session':
        endSession(session.http2, session.calls, 'a stream begins');
    }
  }

  /** False where the call is gone already. */
  #begin({ stream, headers, session, serve }: Arrival): boolean {
    // grpc-js would answer it, and end the process by that: node:http2 throws.
    if (stream.closed || stream.destroyed) {
      this.#closed(stream, session);
      return false;
    }
    const path = headers[':path'] ?? '';
    const limits = METHOD_LIMITS.get(path);
    if (limits === undefined) {
      serve(stream, headers);
      return true;
    }
    try {
      this.#limits.calls.enter(path, limits.callsMax);
    } catch (error) {
      refuseStream(stream, error);
      return true;
    }
    const traffic = new CallTraffic(stream, limits, { bytes: this.#limits.bytes, clock: this.#clock });
    this.#open.add(traffic);
    session.calls.add(traffic);
    this.#limits.connections.begin(session.place);
    stream.once('close', () => {
      this.#open.delete(traffic);
      session.calls.delete(traffic);
      traffic.close();
      this.#limits.calls.leave(path);
      this.#limits.connections.end(session.place);
      this.#closed(stream, session);
    });
    this.#deadlines.heed(traffic.dueUs);
    this.#entering = traffic;
    try {
      serve(stream, headers);
    } finally {
      this.#entering = undefined;
    }
    return true;
  }

  #closed({ rstCode }: ServerHttp2Stream, session: Session): void {
    if (rstCode === constants.NGHTTP2_NO_ERROR || !session.pace.wasReset()) return;
    endSession(session.http2, session.calls, 'a stream ends');
  }
}

/** What grpc-js 1.14.7 keeps private; a test holds that it is there. */
function inside(server: Server): { readonly http2Servers: ReadonlyMap<Http2Server, unknown> } {
  return server as unknown as ReturnType<typeof inside>;
}

function ignore(): void {
  // a stream that ends before it was begun ends nothing else
}
