import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { openAggregate } from '../../libs/source/kinesis/kpl-aggregate.js';

const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);

function framed(body: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, body, createHash('md5').update(body).digest()]);
}

function aggregate(records: readonly { readonly key: number; readonly hash?: number; readonly data: string }[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const key of ['a', 'ключ']) writer.tag(1, WireType.LengthDelimited).string(key);
  writer.tag(2, WireType.LengthDelimited).string('340282366920938463463374607431768211455');
  for (const { key, hash, data } of records) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).uint64(key);
    if (hash !== undefined) writer.tag(2, WireType.Varint).uint64(hash);
    writer.tag(3, WireType.LengthDelimited).bytes(Buffer.from(data));
    writer.tag(4, WireType.LengthDelimited).bytes(Buffer.from('a tag, which nobody reads'));
    writer.join();
  }
  return writer.finish();
}

describe('aggregates of the Kinesis Producer Library', () => {
  it('are opened in their order, with the keys of each record', () => {
    const opened = openAggregate(
      framed(
        aggregate([
          { key: 0, data: '{"n":1}' },
          { key: 1, hash: 0, data: '{"n":2}' },
          { key: 0, data: '' },
        ]),
      ),
    );
    expect(opened?.map(({ partitionKey, data }) => [partitionKey, data.toString()])).to.deep.equal([
      ['a', '{"n":1}'],
      ['ключ', '{"n":2}'],
      ['a', ''],
    ]);
    const md5 = BigInt(`0x${createHash('md5').update('a').digest('hex')}`);
    expect(opened?.map(({ hashKey }) => hashKey)).to.deep.equal([md5, 2n ** 128n - 1n, md5]);
  });

  it('may be empty', () => {
    expect(openAggregate(framed(new Uint8Array()))).to.deep.equal([]);
  });

  for (const [what, data] of [
    ['JSON', Buffer.from('{"n":1}')],
    ['the magic alone', MAGIC],
    ['a digest of something else', Buffer.concat([MAGIC, aggregate([]), Buffer.alloc(16)])],
    ['a message that breaks off', framed(aggregate([{ key: 0, data: 'x' }]).subarray(0, -3))],
    ['a key that is not in the table', framed(aggregate([{ key: 7, data: 'x' }]))],
    ['a hash key that is not in the table', framed(aggregate([{ key: 0, hash: 3, data: 'x' }]))],
  ] as const)
    it(`are not made of ${what}`, () => {
      expect(openAggregate(data)).to.equal(undefined);
    });
});
