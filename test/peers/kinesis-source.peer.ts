// The Kinesis source against a server: what records say, where it begins, and what is refused by name.
import { expect } from 'chai';
import { connectors } from '../../libs/definition/connectors.js';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { kinesisConnector } from '../../libs/source/kinesis/kinesis-connector.js';
import { sourceSettings } from '../../libs/source/source-settings.js';
import { systemClock } from '../../libs/time/clock.js';
import { numberDataset } from '../integration/sources-fixture.js';
import { eventually } from '../support/eventually.js';
import { AT, FIRST, useKinesisSource } from './kinesis-fixture.js';

describe('the kinesis source', function () {
  this.timeout(120_000);
  const { world, value, put, status, notices, sourceOf, newFixture, start, restart, stop, counts, stands, passes } = useKinesisSource();

  it('keeps every digit of integers and decimals, microseconds, text of any script, and nulls', async () => {
    const fields: DatasetDefinition['fields'] = [
      ...numberDataset('A').fields,
      { name: 'price', type: { kind: 'decimal', optional: true } },
      { name: 'big', type: { kind: 'string', optional: true } },
      { name: 'seen', type: { kind: 'timestamp', optional: true } },
    ];
    const records = [
      `{"k":"π ☃ 𝄞","n":9007199254740991,"at":"${AT}","price":12345678901234567.123456789012345678,"big":9223372036854775807,"seen":"2026-01-31T11:00:00.123456Z"}`,
      `{"k":"null","n":-1,"at":"${AT}","price":null,"big":null,"seen":null}`,
      `{"k":"far","n":9223372036854775807,"at":"${AT}"}`,
    ];
    await world.stream.put(records.map((data) => ({ key: 'k', data })));
    const sources = await start({}, { fields });
    await counts(sources, 2, 1);
    const rows = (await world.fixture.published('A', 1, fields)).map(({ row }) => row);
    const [first, second] = [rows.find(([k]) => k === 'π ☃ 𝄞'), rows.find(([k]) => k === 'null')];
    expect([first?.[1], String(first?.[3]), first?.[4]]).to.deep.equal([
      9_007_199_254_740_991,
      '12345678901234567.123456789012345678',
      '9223372036854775807',
    ]);
    expect(Number(first?.[5])).to.equal(Date.parse(AT) * 1_000 + 123_456);
    expect(second?.slice(3)).to.deep.equal([null, null, null]);
    expect((await world.fixture.dead('A'))[0]?.['reason']).to.contain('A.n'); // beyond what an int of the platform holds
  });

  it('sets aside what it cannot read, with stream, shard and sequence number, and goes on', async () => {
    const bad = ['no json', Buffer.from([0xff, 0xfe]), '', '[1]', value(1, { n: 'many' }), `{"n":5,"at":"${AT}"}`];
    await world.stream.put([value(0), ...bad, value(2)].map((data) => ({ key: 'k', data })));
    const sources = await start();
    await counts(sources, 2, bad.length);
    const dead = await world.fixture.dead('A');
    expect(dead[0]?.['place']).to.equal(`${world.stream.name} ${FIRST} sequence number 2`);
    const reasons = dead.map(({ reason }) => String(reason));
    for (const [i, words] of ['is no JSON', 'no text in UTF-8', 'has no value', '', 'A.n', 'A.k'].entries())
      expect(reasons[i]).to.contain(words);
  });

  it('replaces rows by their partition key, and deletes one by an empty record (S17)', async () => {
    await world.stream.put([
      { key: 'a', data: `{"n":1,"at":"${AT}"}` },
      { key: '{"k":"b"}', data: `{"n":2,"at":"${AT}"}` },
      { key: 'a', data: `{"n":3,"at":"${AT}"}` },
      { key: 'b', data: '' },
    ]);
    world.aheadMs = (world.fixture.clock.nowUs() - systemClock.nowUs()) / 1_000; // as the dataset's door has it
    const sources = await start({}, { cdc: { mode: 'upsert', rowKey: ['k'] } }, 'upsert');
    await counts(sources, 4);
    const last = new Map(
      (await world.fixture.published('A')).map(({ row, change }) => [row[0], change?.deleted === true ? 'deleted' : row[1]]),
    );
    expect(Object.fromEntries(last)).to.deep.equal({ a: 3, b: 'deleted' });
  });

  it("takes Debezium's envelopes", async () => {
    const envelope = (op: string, before: object | null, after: object | null): string =>
      JSON.stringify({ op, before, after, source: { ts_ms: 1_769_850_000_000 }, ts_ms: 1_769_850_000_000 });
    await world.stream.put([
      { key: 'k', data: envelope('c', null, { k: 'x', n: 1, at: AT }) },
      { key: 'k', data: envelope('u', { k: 'x', n: 1, at: AT }, { k: 'y', n: 1, at: AT }) },
      { key: '{"n":1}', data: envelope('d', null, null) },
    ]);
    const sources = await start({}, { cdc: { mode: 'debezium', rowKey: ['n'] } }, 'debezium');
    await counts(sources, 3);
    expect((await world.fixture.published('A')).at(-1)?.change?.deleted).to.equal(true);
  });

  it('begins at what comes from now on, also where it is restarted before the first record', async () => {
    await put(0, 1);
    await passes(3_000); // its clock is the server's, in whole seconds
    const sources = await start({ initPosition: 'latest' });
    await eventually(() => (status(sources)?.position ?? '').includes('from 2'), 'it has begun');
    await stop();
    await put(2, 3);
    const again = await restart();
    await counts(again, 2);
    expect(await world.fixture.numbers('A')).to.deep.equal([2, 3]);
    expect((await world.fixture.published('A')).map(({ historical }) => historical)).to.deep.equal([false, false]);
  });

  it('begins at a time, and refuses one that lies in the future', async () => {
    await put(0, 1);
    await passes(20);
    const from = new Date().toISOString();
    await passes(20);
    await put(2);
    const sources = await start({ initPosition: from });
    await counts(sources, 1);
    expect(await world.fixture.numbers('A')).to.deep.equal([2]);
    await stop();
    newFixture();
    expect(await stands(await start({ initPosition: '2099-01-01T00:00:00Z' }))).to.contain('lies in the future');
  });

  it('takes on a role by the keys that the SDK finds by itself', async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: world.server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: world.server.secretAccessKey,
      AWS_ENDPOINT_URL_STS: world.server.endpoint,
    });
    try {
      await put(0);
      const { accessKeyId: _, secretAccessKey: __, ...config } = sourceOf({ roleArn: 'arn:aws:iam::123456789012:role/reader' }).config;
      await world.fixture.commit([numberDataset('A')], [{ ...sourceOf(), config }]);
      const sources = await restart();
      await counts(sources, 1);
    } finally {
      process.env = before;
    }
  });

  it('names each parameter that is wrong, and what to write', async () => {
    for (const [config, words] of [
      [{ streamArn: 'orders' }, 'arn:aws:kinesis:REGION:ACCOUNT:stream/NAME'],
      [{ region: 'eu-west-1' }, "region is 'eu-west-1', and streamArn names us-east-1"],
      [{ initPosition: 'yesterday' }, "initPosition 'yesterday'"],
      [{ format: 'avro' }, "format 'avro'"],
      [{ endpointUrl: '127.0.0.1' }, "endpointUrl '127.0.0.1'"],
    ] as const) {
      newFixture();
      expect(await stands(await start(config))).to.contain(words);
      await stop();
    }
  });

  describe('sources test', () => {
    const tested = async (config: SourceDefinition['config'] = {}) => {
      const rules = connectors.get('kinesis');
      if (rules === undefined) throw new Error('kinesis has rules');
      const readFile = (): Promise<string> => Promise.reject(new Error('no file'));
      const settings = sourceSettings(sourceOf(config), numberDataset('A'), rules, { variables: world.fixture.variables, readFile });
      return kinesisConnector(systemClock).test(settings, new AbortController().signal);
    };

    it('shows the stream, its shards and a record', async () => {
      expect((await tested()).steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
        ['reached', true],
        ['shards', true],
        ['may read', true],
      ]);
      await put(3);
      const { steps, sample } = await tested();
      expect(steps.at(-1)?.detail).to.equal(`${world.stream.name} ${FIRST} sequence number 1`);
      expect(sample).to.deep.equal({ k: 'k3', n: 3, at: AT });
    });

    it("says what is wrong in the service's words", async () => {
      const missing = await tested({ streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/none' });
      expect(missing.steps).to.have.lengthOf(1);
      expect(missing.steps[0]?.detail).to.contain('there is no stream');
      world.stub.instead = ({ operation }) =>
        operation === 'GetRecords' ? { error: 'AccessDeniedException', message: 'not allowed to kinesis:GetRecords' } : undefined;
      const refused = await tested();
      expect(refused.steps.map(({ ok }) => ok)).to.deep.equal([true, true, false]);
      expect(refused.steps[2]?.detail).to.contain('not allowed to kinesis:GetRecords');
      expect(await stands(await start())).to.contain('not allowed to kinesis:GetRecords');
      expect(notices()).to.deep.equal([]);
    });
  });
});
