import { expect } from 'chai';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { appendTimeOf, decodeErasure, encodeErase, encodeErased, isErasure } from '../../libs/codec/erasure-record.js';
import { erasedForm, ErasureBook } from '../../libs/erasure/erasure-book.js';
import { encodeEntry } from '../../libs/erasure/erasure-entry.js';
import { MaskedLog } from '../../libs/erasure/masked-log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { erasuresTopic } from '../../libs/pipeline/topics.js';
import { ThymeError } from '../../libs/errors/errors.js';

const T = 1_700_000_000_000_000;
const KEY = Buffer.from('entity');
const RECORDS = compileRecordCodec([{ name: 'x', type: { kind: 'string', optional: false } }]);
const record = { eventTimeUs: T - 5, appendTimeUs: T, lane: 'push', historical: false, row: ['secret'] };

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof ThymeError ? error.code : undefined;
  }
}

describe('what erasures leave in a topic (S26)', () => {
  it('comes back as it was', () => {
    expect(decodeErasure(encodeErase({ appendTimeUs: T, id: 'er_1', entityKey: KEY }))).to.deep.equal({
      kind: 'erase',
      appendTimeUs: T,
      id: 'er_1',
      entityKey: KEY,
    });
    for (const producer of [{}, { producerId: 'p', sequence: 7 }])
      expect(decodeErasure(encodeErased({ appendTimeUs: T, ...producer }))).to.deep.equal({ kind: 'erased', appendTimeUs: T, ...producer });
  });

  it('is no record to who knows none of it, and broken bytes are never one', () => {
    const mark = encodeErase({ appendTimeUs: T, id: 'er_1', entityKey: KEY });
    expect(codeOf(() => RECORDS.decode(mark))).to.equal('THYME_FORMAT_NEWER');
    expect(isErasure(RECORDS.encode(record))).to.equal(false);
    for (let end = 1; end < mark.length; end++) expect(() => decodeErasure(mark.subarray(0, end)), `cut at ${end}`).to.throw();
  });

  it('keeps of a record when it was taken in, and what tells a retry: neither its row nor its event time', () => {
    const sent = RECORDS.encode({ ...record, producerId: 'p', sequence: 3 });
    expect(decodeErasure(erasedForm(sent))).to.deep.equal({ kind: 'erased', appendTimeUs: T, producerId: 'p', sequence: 3 });
    expect(decodeErasure(erasedForm(RECORDS.encode(record)))).to.deep.equal({ kind: 'erased', appendTimeUs: T });
    expect(appendTimeOf(erasedForm(sent))).to.equal(T);
    expect(Buffer.from(erasedForm(sent)).includes('secret')).to.equal(false);
  });

  it('is what a masked log shows of an entity up to its mark, in the topic and in all of its history', async () => {
    const log = new MemoryLog();
    for (const topic of ['t', 't.history', erasuresTopic('d')]) await log.createTopic(topic, 1);
    const row = { key: KEY, value: RECORDS.encode(record) };
    const other = { key: Buffer.from('other'), value: row.value };
    await log.append({ topic: 't.history', partition: 0 }, [row, other]);
    await log.append({ topic: 't', partition: 0 }, [row, other, row]);
    const book = new ErasureBook(log, 'd');
    const masked = new MaskedLog(log, book);
    const shown = async (topic: string): Promise<boolean[]> =>
      (await masked.read({ topic, partition: 0 }, 0, { recordsMax: 10, bytesMax: 1e6 })).records.map(({ value }) => isErasure(value));
    await book.refresh();
    expect(await shown('t')).to.deep.equal([false, false, false]);

    const mark = { key: KEY, value: encodeErase({ appendTimeUs: T, id: 'er_1', entityKey: KEY }) };
    await log.append({ topic: 't', partition: 0 }, [mark, row]);
    const entry = encodeEntry({ kind: 'begun', id: 'er_1', topic: 't', partition: 0, entityKey: KEY.toString('hex'), fromOffset: 2 });
    await log.append({ topic: erasuresTopic('d'), partition: 0 }, [{ key: KEY, value: entry }]);
    await book.refresh();
    expect(await shown('t')).to.deep.equal([true, false, true, true, false]);
    expect(await shown('t.history')).to.deep.equal([true, false]);
    expect((await masked.read({ topic: 't', partition: 0 }, 0, { recordsMax: 1, bytesMax: 1 })).records[0]?.key).to.have.length(0);
  });
});
