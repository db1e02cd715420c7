// Erasing an entity on the embedded platform (S26), from the command to the last byte on the disk: a canary in each type of value.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { entryOf } from '../../libs/cli/command.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { erase } from '../../libs/cli/erase-command.js';
import { runCommand } from '../../libs/cli/run-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SENT_AT = '2026-01-31T12:34:56.789123Z';
const PICKED_AT = '2026-01-31T13:45:07.123457Z';
const LABEL = Buffer.from('c0ffee17facade99deadbeef4242', 'hex');
const CANARY = {
  depot: 'depot-of-the-canary',
  number: 7_123_456_789_123,
  weight: 123.456789012,
  fragile: true,
  price: '98765.4321987',
  label: LABEL.toString('base64'),
  due: '2031-07-19',
  way: 'air',
  stops: ['stop-of-the-canary'],
  place: { x: 4_321.0987654, y: null },
  picked_at: PICKED_AT,
  note: 'note-of-the-canary',
  sent_at: SENT_AT,
};
const OTHERS = Array.from({ length: 500 }, (_, i) => ({
  ...CANARY,
  depot: `depot-${i % 7}`,
  number: i,
  weight: i,
  price: String(i),
  label: '',
  place: { x: i, y: i },
  stops: [],
  picked_at: null,
  note: null,
  due: '2026-02-01',
  sent_at: '2026-02-01T00:00:00Z',
}));

function float(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function micros(text: string): number {
  return Date.parse(`${text.slice(0, 19)}Z`) * 1_000 + Number(text.slice(20, 26));
}

/** As records, changes, pages, keys and JSON have them. */
const CANARIES: Readonly<Record<string, Buffer>> = {
  'the key, text': Buffer.from(CANARY.depot),
  'the key, hex': Buffer.from(Buffer.from(CANARY.depot).toString('hex')),
  'the key, number': Buffer.from((BigInt(CANARY.number) + (1n << 63n)).toString(16), 'hex'),
  'an int': float(CANARY.number),
  'an int, text': Buffer.from(String(CANARY.number)),
  'a float': float(CANARY.weight),
  'a decimal': Buffer.from('987654321987'),
  'a decimal, text': Buffer.from(CANARY.price),
  bytes: LABEL,
  'bytes, base64': Buffer.from(CANARY.label),
  'a list': Buffer.from('stop-of-the-canary'),
  'a struct': float(CANARY.place.x),
  'a timestamp': float(micros(PICKED_AT)),
  'the event time': float(micros(SENT_AT)),
  'a text': Buffer.from(CANARY.note),
};

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile());
}

/** `<canary> in <file>` for each that is found. */
function found(folder: string): string[] {
  return filesOf(folder).flatMap((name) => {
    const bytes = readFileSync(join(folder, name));
    return Object.entries(CANARIES).flatMap(([what, canary]) => (bytes.includes(canary) ? [`${what} in ${name}`] : []));
  });
}

describe('thyme erase', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  afterEach(() => platform.stop());

  async function ask(path: string): Promise<Record<string, unknown>> {
    return (await platform.client.get(path)).body as Record<string, unknown>;
  }

  async function push(events: readonly unknown[]): Promise<string> {
    const { body } = await platform.client.post('/api/v1/log', { dataset: 'Parcel', events });
    return (body as { readonly token: string }).token;
  }

  async function parcel(after: string): Promise<unknown> {
    const key = `entity.depot=${CANARY.depot}&entity.number=${CANARY.number}`;
    const query = `entity_type=Parcel&${key}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
    return (await ask(`/features?${query}`)).features;
  }

  async function noteIs(note: string, after = ''): Promise<boolean> {
    return ((await parcel(after)) as { readonly note: string } | null)?.note === note;
  }

  async function load(): Promise<void> {
    await commitFile('test/support/every-type-features.ts', platform.context);
    const letter = { ...CANARY, weight: 'heavy' };
    const token = await push([...OTHERS, CANARY]);
    await eventually(() => noteIs(CANARY.note, token), 'the canary is read');
    await platform.client.post('/api/v1/log', { dataset: 'Parcel', events: [letter] }).catch(() => undefined);
  }

  async function eraseCanary(): Promise<string> {
    const { terminal } = platform.context;
    const before = platform.printed.length;
    const args = ['erase', 'Parcel', '-e', `depot=${CANARY.depot},number=${CANARY.number}`, '--wait'];
    expect(await runCommand([entryOf(erase)], args, { THYME_API_URL: platform.url, THYME_API_KEY: platform.adminKey }, terminal)).to.equal(
      0,
    );
    return platform.printed[before] ?? '';
  }

  it('leaves nothing of an entity in any answer, lets later rows count, and brings nothing back', async () => {
    const dataDir = temporaryFolder();
    platform = await startEmbeddedPlatform({ dataDir, partitions: 2 });
    await load();
    const id = await eraseCanary();
    const receipt = await ask(`/api/v1/erasures/${id}`);
    expect(receipt).to.include({ id, state: 'applied', dataset: 'Parcel', rows: 2 }); // of the index and of the depot
    expect(await parcel('')).to.equal(null);
    expect((await ask('/features?entity_type=DepotParcels&entity_id=depot-1')).features).to.include({ parcels: 72 });
    expect((await ask(`/features?entity_type=DepotParcels&entity_id=${CANARY.depot}`)).features).to.include({ parcels: 0 });
    const token = await push([{ ...CANARY, note: 'later' }]);
    expect(await parcel(token)).to.include({ note: 'later' });
    await platform.stop();

    platform = await startEmbeddedPlatform({ dataDir, partitions: 2 });
    await eventually(() => noteIs('later'), 'the later row is read');
    expect(await ask(`/api/v1/erasures/${id}`)).to.include({ state: 'applied' });
  });

  it('leaves no byte of an entity in any file once the log and the stores are rewritten', async () => {
    const dataDir = temporaryFolder();
    platform = await startEmbeddedPlatform({ dataDir, partitions: 2 });
    await load();
    await platform.stop();
    expect(found(dataDir).map((each) => each.split(' in ')[0])).to.include.members([
      'the key, text',
      'a float',
      'bytes',
      'a text',
      'the event time',
    ]);

    platform = await startEmbeddedPlatform({ dataDir, partitions: 2, eraseWithin: '0s' });
    await eventually(() => noteIs(CANARY.note), 'the canary is read');
    const id = await eraseCanary();
    await eventually(async () => (await ask(`/api/v1/erasures/${id}`)).state === 'done', 'the log is rewritten');
    expect(await ask(`/api/v1/erasures/${id}`)).to.deep.include({ entity: null, due: [] });
    // LevelDB's list of its tables names their first and last keys, and is begun anew at a start.
    await eventually(() => found(dataDir).every((each) => each.includes('MANIFEST')), 'replicas and query runs are rewritten');
    await platform.stop();
    platform = await startEmbeddedPlatform({ dataDir, partitions: 2 });
    expect(await ask(`/api/v1/erasures/${id}`)).to.include({ state: 'done', entity: null });
    expect((await ask('/features?entity_type=DepotParcels&entity_id=depot-1')).features).to.include({ parcels: 72 });
    await platform.stop();
    expect(found(dataDir)).to.deep.equal([]);
    platform = await startEmbeddedPlatform({ dataDir, partitions: 2 });
    expect(await parcel('')).to.equal(null);
  });
});
