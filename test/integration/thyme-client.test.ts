import { expect } from 'chai';
import { RefusedEventsError, RestError, ThymeClient, UnreachableError, type OfflineRow } from '../../libs/client/thyme-client.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { feature, featureset, t } from '../../libs/definition/thyme.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { DepotLoad, DepotParcels, Parcel, ParcelFeatures } from '../support/every-type-features.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { Buyer, Cart } from '../support/shop-features.js';

const parcel = (number: number, more: Partial<Parcel> = {}): Parcel =>
  Object.assign(new Parcel(), {
    depot: "O'Hare, é",
    number,
    weight: 2,
    fragile: true,
    price: new Decimal('12.50'),
    label: Uint8Array.of(0, 255, 7),
    due: '2026-02-28',
    way: 'air',
    stops: ['a', ''],
    place: { x: 1, y: null },
    picked_at: new Date('2026-01-02T03:04:05.678Z'),
    note: null,
    sent_at: new Date(Date.UTC(2026, 0, 3) + number),
    ...more,
  });
const { depot } = parcel(0);

/** The same featureset as somebody else has it, who has not committed. */
function newerParcelFeatures() {
  @featureset({ entity: ['depot', 'number'] })
  class ParcelFeatures {
    @feature(t.string, { id: 1 }) depot!: string;
    @feature(t.int, { id: 2 }) number!: number;
    @feature(t.float, { id: 99 }) volume!: number;
  }
  return ParcelFeatures;
}

async function refusal(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it was not refused');
}

describe('ThymeClient', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let client: ThymeClient;
  let token: string;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2 });
    await commitFile('test/support/every-type-features.ts', platform.context);
    client = new ThymeClient({ apiUrl: platform.url });
    const logged = await client.log(
      Parcel,
      Array.from({ length: 2_500 }, (_, i) => parcel(i)),
      { producerId: 'test', sequence: 0 },
    );
    expect(logged.eventsSent, 'in several requests').to.equal(2_500);
    token = logged.token ?? '';
  });
  after(() => platform.stop());

  it("gives a raw dataset's row as its class declares it, field by field", async () => {
    const { row, ...info } = await client.lookup(Parcel, { depot, number: 7 }, { after: token });
    expect(row).to.deep.equal(parcel(7));
    expect(row?.price).to.be.instanceOf(Decimal);
    expect(row?.price.toString()).to.equal('12.5');
    expect(info.queryRunId).to.match(/^\S{16,}$/);
    expect(info.lagUs).to.be.at.least(0);
    const earlier = await client.lookup(Parcel, { depot, number: 7 }, { timestamp: parcel(6).sent_at });
    expect(earlier).to.include({
      row: null,
      asOfExact: parcel(6)
        .sent_at.toISOString()
        .replace(/\.?0*Z$/, 'Z'),
    });
    expect(earlier.asOf).to.deep.equal(parcel(6).sent_at);
  });

  it("gives an aggregated dataset's windows, with nothing in them where nothing was sent (S5)", async () => {
    expect((await client.lookup(DepotParcels, depot, { after: token })).row.parcels).to.equal(2_500);
    expect((await client.lookup(DepotParcels, depot, { timestamp: parcel(9).sent_at })).row.parcels).to.equal(10);
    expect((await client.lookup(DepotParcels, 'nowhere')).row.parcels).to.equal(0);
  });

  it('answers features with a composite key, now, and again at as_of (S4)', async () => {
    const now = await client.query(ParcelFeatures, { depot, number: 3 }, { after: token });
    const { price, label, picked_at, place, stops } = parcel(3);
    expect(now.features).to.deep.equal({ depot, number: 3, price, label, picked_at, place, stops });
    expect(now.queryRunId).to.match(/^\S{16,}$/);
    expect(now.lagUs).to.be.at.least(0);
    expect(Math.abs(now.asOf.getTime() - Date.parse(now.asOfExact))).to.be.below(1);
    const again = await client.query(ParcelFeatures, { depot, number: 3 }, { timestamp: now.asOfExact });
    expect(again.features).to.deep.equal(now.features);
    expect(again.asOfExact).to.equal(now.asOfExact);
  });

  it('sends request-time inputs as they are declared', async () => {
    const { features } = await client.query(DepotLoad, depot, {
      after: token,
      inputs: { asked_at: new Date('2026-01-05T09:30:00Z'), budget: null },
    });
    expect(features).to.deep.equal({ depot, parcels: 2_500, asked_at: new Date('2026-01-05T09:30:00Z'), budget: null, hours: 259 });
    // The cast: what a caller without TypeScript may do.
    const wrong = await refusal(client.query(DepotLoad, depot, { inputs: { asked_at: 'soon' as unknown as Date, budget: null } }));
    expect(wrong.message).to.match(/^DepotLoad\.inputs\.asked_at: .*give a Date/);
  });

  it('answers batches in their order', async () => {
    const { rows, queryRunId } = await client.queryBatch(
      ParcelFeatures,
      [5, 1, 9_999].map((number) => ({ depot, number })),
      { after: token },
    );
    expect(rows.map(({ number, price }) => [number, price?.toString()])).to.deep.equal([
      [5, '12.5'],
      [1, '12.5'],
      [9_999, undefined],
    ]);
    expect(queryRunId).to.not.equal('');
  });

  it('answers training sets of several requests in their order', async () => {
    const questions = Array.from({ length: 5_003 }, (_, i) => ({
      entity: { depot, number: i % 2_500 },
      timestamp: new Date(parcel(i % 2_500).sent_at.getTime() - (i % 2)),
    }));
    const rows: OfflineRow<typeof ParcelFeatures>[] = [];
    for await (const row of client.queryOffline(ParcelFeatures, questions)) rows.push(row);
    expect(rows.map(({ entity, timestamp }) => ({ entity, timestamp }))).to.deep.equal(questions);
    expect(rows.map(({ features }) => features.price !== null)).to.deep.equal(questions.map((_, i) => i % 2 === 0));
    expect(new Set(rows.map(({ queryRunId }) => queryRunId)).size, 'one run').to.equal(1);
    const first = [];
    for await (const row of client.queryOffline(ParcelFeatures, questions.slice(0, 2), { knownAt: 'timestamp' }))
      first.push(row.features.price);
    expect(first, 'known long after their time').to.deep.equal([null, null]);
  });

  it('counts what a producer sends again once (S13)', async () => {
    const again = await client.log(Parcel, [parcel(0), parcel(1)], { producerId: 'test', sequence: 0 });
    expect((await client.lookup(DepotParcels, depot, { after: again.token ?? '' })).row.parcels).to.equal(2_500);
  });

  it('refuses a row that does not fit before anything is sent, naming row and field', async () => {
    const error = await refusal(client.log(Parcel, [parcel(1), parcel(2, { weight: Number.NaN })]));
    expect(error).to.be.instanceOf(ThymeError);
    expect(error.message).to.match(/^rows\[1\]: Parcel\.weight: /);
  });

  it('says what the deployment says: of a refused row, and of what it does not know', async () => {
    const future = await refusal(client.log(Parcel, [parcel(1, { sent_at: new Date(Date.now() + 86_400_000) })]));
    expect(future)
      .to.be.instanceOf(RefusedEventsError)
      .and.include({ status: 422, code: 'THYME_EVENTS_REFUSED', name: 'RefusedEventsError' });
    expect(future.message).to.match(/event 0: /);
    const unknown = await refusal(client.query(Buyer, 1));
    expect(unknown).to.be.instanceOf(RestError).and.include({ status: 404, code: 'THYME_NOT_FOUND', name: 'RestError' });
    const ahead = await refusal(client.query(ParcelFeatures, { depot, number: 1 }, { timestamp: '2099-01-01' }));
    expect(ahead).to.include({ status: 400, code: 'THYME_INVALID_ARGUMENT' });
    expect((ahead as RestError).violations.map(({ field }) => field)).to.deep.equal(['timestamp']);
    const nobody = await refusal(new ThymeClient({ apiUrl: 'http://127.0.0.1:1', retries: 0 }).lookup(DepotParcels, 'a'));
    expect(nobody).to.be.instanceOf(UnreachableError).and.include({ status: 0, code: undefined });
  });

  it('counts refused rows, and the token of the accepted ones, over all requests of a call', async () => {
    const rows = Array.from({ length: 2_002 }, (_, i) => parcel(i, { depot: 'split' }));
    const wrong = rows.map((row, i) => (i === 2_001 ? { ...row, sent_at: new Date(Date.now() + 86_400_000) } : row));
    const error = await refusal(client.log(Parcel, wrong));
    if (!(error instanceof RefusedEventsError)) throw error;
    expect(error.refused.map(({ index }) => index)).to.deep.equal([2_001]);
    expect(error.accepted.eventsSent).to.equal(2_001);
    expect((await client.lookup(DepotParcels, 'split', { after: error.accepted.token ?? '' })).row.parcels).to.equal(2_001);
  });

  it('names a declared feature that the deployment does not have yet', async () => {
    const error = await refusal(client.query(newerParcelFeatures(), { depot, number: 1 }));
    expect(error.message).to.match(/^ParcelFeatures\.volume: is not in the answer: .*commit it/);
  });

  it('takes datasets for rows and featuresets for features', async () => {
    expect((await refusal(client.query(Parcel, { depot, number: 1 }))).message).to.match(/Parcel is no featureset/);
    expect((await refusal(client.lookup(Cart, 1))).message).to.match(/Cart is no dataset/);
  });
});
