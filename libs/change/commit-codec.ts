// The bytes of a commit record: the end of every batch, and the value of COMMIT_KEY.
//
//   | version u8 = 1 to 5 | epoch f64 | seq f64 | prev seq f64 | revision f64 | clock f64 |
//   | topics: count, text ... | positions: count, position ... | cursors | hops | counters |
//   position, cursor = | reader varint | topic index varint | partition varint | next offset f64 | caught up u8 |
//   hop              = | reader varint | stage varint | sender varint | source varint | next offset f64 | caught up u8 |
//   counters         = | reader varint | 10 × f64, in the order declared | version 2: late right f64 | joined f64 |
//                      | version 3: ended f64 | unpublished f64 | version 4: erased f64 | version 5: outdated f64 |
//
// Version 2 is written only where something was joined, version 3 where a row ended (S17), version 4 where something was
// erased (S26), version 5 where a change was outdated (S17): until then, processes that know the versions before alone can
// follow. Before version 5 outdated changes were counted as late.

import { ByteReader } from '../codec/byte-reader.js';
import { ByteWriter, corruptBytes } from '../codec/byte-writer.js';
import { ThymeError } from '../errors/errors.js';
import type { CommitRecord, Cursor, Hop, Position, ReaderCounters } from './change.js';

/** What those know that count no late right rows of joins. */
const VERSION_WITHOUT_JOINS = 1;
const VERSION_WITHOUT_ENDS = 2;
const VERSION_WITHOUT_ERASURES = 3;
const VERSION_WITHOUT_OUTDATED = 4;
const FORMAT_VERSION = 5;

export function encodeCommit(commit: CommitRecord): Uint8Array {
  const writer = new ByteWriter();
  writeCommit(commit, writer);
  return writer.copy();
}

export function decodeCommit(bytes: Uint8Array): CommitRecord {
  return readCommit(new ByteReader(bytes, 0));
}

export function writeCommit(commit: CommitRecord, into: ByteWriter): void {
  const version = versionFor(commit.counters);
  into.u8(version);
  into.f64(commit.epoch);
  into.f64(commit.seq);
  into.f64(commit.prevSeq);
  into.f64(commit.revision);
  into.f64(commit.clockUs);
  const topics = topicsOf(commit);
  into.varint(topics.size);
  for (const topic of topics.keys()) into.text(topic);
  for (const list of [commit.positions, commit.cursors]) {
    into.varint(list.length);
    for (const position of list) writePosition(position, topics, into);
  }
  into.varint(commit.hops.length);
  for (const hop of commit.hops) writeHop(hop, into);
  into.varint(commit.counters.length);
  for (const counters of commit.counters) writeCounters(counters, version, into);
}

export function readCommit(from: ByteReader): CommitRecord {
  const version = from.u8();
  checkVersion(version);
  const [epoch, seq, prevSeq, revision, clockUs] = [from.f64(), from.f64(), from.f64(), from.f64(), from.f64()];
  const topics = many(from, () => from.text());
  const positions = many(from, () => readPosition(from, topics));
  const cursors = many(from, () => readPosition(from, topics));
  const hops = many(from, () => readHop(from));
  const counters = many(from, () => readCounters(from, version));
  return { epoch, seq, prevSeq, revision, clockUs, positions, cursors, hops, counters };
}

/** Each topic's index, in order of its first use. */
function topicsOf({ positions, cursors }: CommitRecord): ReadonlyMap<string, number> {
  const topics = new Map<string, number>();
  for (const { topic } of [...positions, ...cursors]) {
    if (!topics.has(topic)) topics.set(topic, topics.size);
  }
  return topics;
}

function writePosition(position: Position | Cursor, topics: ReadonlyMap<string, number>, into: ByteWriter): void {
  into.varint(position.readerId);
  into.varint(topics.get(position.topic) ?? 0);
  into.varint(position.partition);
  into.f64(position.nextOffset);
  into.u8(position.caughtUp ? 1 : 0);
}

function readPosition(from: ByteReader, topics: readonly string[]): Position & Cursor {
  const readerId = from.varint();
  const topic = topics[from.varint()];
  if (topic === undefined) throw corruptBytes('a commit record');
  return { readerId, topic, partition: from.varint(), nextOffset: from.f64(), caughtUp: from.u8() === 1 };
}

function writeHop(hop: Hop, into: ByteWriter): void {
  into.varint(hop.readerId);
  into.varint(hop.stage);
  into.varint(hop.sender);
  into.varint(hop.source);
  into.f64(hop.nextOffset);
  into.u8(hop.caughtUp ? 1 : 0);
}

function readHop(from: ByteReader): Hop {
  return {
    readerId: from.varint(),
    stage: from.varint(),
    sender: from.varint(),
    source: from.varint(),
    nextOffset: from.f64(),
    caughtUp: from.u8() === 1,
  };
}

function versionFor(counters: readonly ReaderCounters[]): number {
  if (counters.some(({ outdated }) => outdated > 0)) return FORMAT_VERSION;
  if (counters.some(({ erased }) => erased > 0)) return VERSION_WITHOUT_OUTDATED;
  if (counters.some(({ ended, unpublished }) => ended > 0 || unpublished > 0)) return VERSION_WITHOUT_ERASURES;
  return counters.every(({ lateRight, joinedUs }) => lateRight === 0 && joinedUs === Number.NEGATIVE_INFINITY)
    ? VERSION_WITHOUT_JOINS
    : VERSION_WITHOUT_ENDS;
}

function writeCounters(counters: ReaderCounters, version: number, into: ByteWriter): void {
  into.varint(counters.readerId);
  const { read, received, sent, applied, filtered, late, duplicate, dead, failed, watermarkUs } = counters;
  for (const value of [read, received, sent, applied, filtered, late, duplicate, dead, failed, watermarkUs]) into.f64(value);
  if (version === VERSION_WITHOUT_JOINS) return;
  into.f64(counters.lateRight);
  into.f64(counters.joinedUs);
  if (version === VERSION_WITHOUT_ENDS) return;
  into.f64(counters.ended);
  into.f64(counters.unpublished);
  if (version === VERSION_WITHOUT_ERASURES) return;
  into.f64(counters.erased);
  if (version === VERSION_WITHOUT_OUTDATED) return;
  into.f64(counters.outdated);
}

function readCounters(from: ByteReader, version: number): ReaderCounters {
  const books = {
    readerId: from.varint(),
    read: from.f64(),
    received: from.f64(),
    sent: from.f64(),
    applied: from.f64(),
    filtered: from.f64(),
    late: from.f64(),
    duplicate: from.f64(),
    dead: from.f64(),
    failed: from.f64(),
    watermarkUs: from.f64(),
  };
  const noEnds = { ended: 0, unpublished: 0, erased: 0, outdated: 0 };
  if (version === VERSION_WITHOUT_JOINS) return { ...books, lateRight: 0, joinedUs: Number.NEGATIVE_INFINITY, ...noEnds };
  const joined = { lateRight: from.f64(), joinedUs: from.f64() };
  if (version === VERSION_WITHOUT_ENDS) return { ...books, ...joined, ...noEnds };
  const ends = { ended: from.f64(), unpublished: from.f64() };
  const erased = version <= VERSION_WITHOUT_ERASURES ? 0 : from.f64();
  return { ...books, ...joined, ...ends, erased, outdated: version <= VERSION_WITHOUT_OUTDATED ? 0 : from.f64() };
}

function many<T>(from: ByteReader, read: () => T): T[] {
  const values: T[] = [];
  for (let left = from.varint(); left > 0; left--) values.push(read());
  return values;
}

function checkVersion(version: number): void {
  if (version <= FORMAT_VERSION) return;
  throw new ThymeError(
    'THYME_FORMAT_NEWER',
    'FAILED_PRECONDITION',
    `a commit record has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
    [],
    { disposition: 'stop' },
  );
}
