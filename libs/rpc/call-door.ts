import { constants, type Http2Server, type IncomingHttpHeaders, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { placeOf } from '../limits/connections.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import type { Clock } from '../time/clock.js';
import { CallTraffic } from './call-traffic.js';
import { Deadlines } from './deadlines.js';
import { METHOD_LIMITS } from './method-limits.js';
import { refuseStream } from './refuse-stream.js';
import { SessionPace } from './session-pace.js';

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Session {
  readonly http2: Http2Session;
  readonly pace: SessionPace;
  readonly place: string;
  readonly calls: Set<CallTraffic>;
}

/**
 * Stands between node:http2 and grpc-js, which checks none of this: connections, the pace of each, and the bytes of each call.
 * What it lets through is grpc-js's from there on.
 */
export class CallDoor {
  readonly #limits: ProcessLimits;
  readonly #clock: Clock;
  readonly #open = new Set<CallTraffic>();
  readonly #deadlines: Deadlines;
  readonly #sessions = new WeakMap<Http2Session, Session>();
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
      // The casts: those are the listeners that grpc-js has registered for streams.
      const serves = http2Server.listeners('stream') as Serve[];
      http2Server.removeAllListeners('stream');
      http2Server.on('stream', (stream, headers) => this.#arrived(stream, headers, (...args) => serves.forEach((serve) => serve(...args))));
    }
  }

  close(): void {
    this.#deadlines.close();
  }

  #arrived(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serve: Serve): void {
    const session = stream.session;
    if (session === undefined || session.destroyed) return;
    const known = this.#sessionOf(session);
    switch (known.pace.opened()) {
      case 'begin':
        this.#begin(stream, headers, known, serve);
        break;
      case 'wait a turn':
        stream.on('error', () => undefined); // nobody else listens yet
        setImmediate(() => this.#begin(stream, headers, known, serve));
        break;
      case 'close the session':
        stream.on('error', () => undefined);
        closeCalmly(known);
    }
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: Session, serve: Serve): void {
    // grpc-js would answer it, and end the process by that: node:http2 throws.
    if (stream.closed || stream.destroyed) {
      this.#closed(stream, session);
      return;
    }
    const path = headers[':path'] ?? '';
    const limits = METHOD_LIMITS.get(path);
    if (limits === undefined) {
      serve(stream, headers);
      return;
    }
    try {
      this.#limits.calls.enter(path, limits.callsMax);
    } catch (error) {
      stream.on('error', () => undefined);
      refuseStream(stream, error);
      return;
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
  }

  #closed({ rstCode }: ServerHttp2Stream, session: Session): void {
    if (rstCode === constants.NGHTTP2_NO_ERROR || !session.pace.wasReset()) return;
    // Not in this turn: nghttp2 may be about to free the very stream, and frees it twice when its session ends meanwhile, at which
    // node:http2 ends the process (node_http2.cc: CheckAllocatedSize).
    setImmediate(() => closeCalmly(session));
  }

  #sessionOf(session: Http2Session): Session {
    let known = this.#sessions.get(session);
    if (known === undefined) {
      known = { http2: session, pace: new SessionPace(() => this.#clock.nowUs()), place: placeOf(session.socket), calls: new Set() };
      this.#sessions.set(session, known);
    }
    return known;
  }
}

/**
 * At once, in the middle of what it has sent: the hundreds of streams that are still to be read then cost nothing. Where answers are
 * on their way it waits for a turn of its own: node:http2 tells of streams while nghttp2 reads, and a session that is
 * destroyed within that packs the data of its other streams without an end (nodejs/node, node_http2.cc: SendPendingData).
 */
function closeCalmly({ http2, calls }: Session): void {
  const destroy = (): void => {
    if (http2.destroyed) return;
    http2.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    http2.destroy();
  };
  if ([...calls].some(({ isAnswering }) => isAnswering)) setImmediate(destroy);
  else destroy();
}

/** What grpc-js 1.14.7 keeps private; a test holds that it is there. */
function inside(server: Server): { readonly http2Servers: ReadonlyMap<Http2Server, unknown> } {
  return server as unknown as ReturnType<typeof inside>;
}
