import { expect } from 'chai';
import fc from 'fast-check';
import { ThymeError } from '../../libs/errors/errors.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { ManualClock, systemClock, type Clock } from '../../libs/time/clock.js';
import {
  applyKeyChange,
  entriesOf,
  KEYS_MAX,
  NO_KEYS,
  type KeyChange,
  type KeyState,
  type StoredKey,
} from '../../services/keys/key-book.js';
import { changeOf, recordOf } from '../../services/keys/key-messages.js';
import { Keys } from '../../services/keys/keys.js';

const KEY: StoredKey = { name: 'a', sha256: 'a'.repeat(64), scopes: ['read'], createdUs: 1, expiresUs: undefined, revokedUs: undefined };

describe('the book of keys', () => {
  it('keeps the first secret, the last word on each name, and no more revoked keys than it says', () => {
    const secret = (byte: number): KeyChange => ({ kind: 'secret', secret: Uint8Array.of(byte) });
    const changes: readonly KeyChange[] = [
      secret(1),
      { kind: 'key', key: KEY },
      secret(2),
      { kind: 'key', key: { ...KEY, revokedUs: 5 } },
      { kind: 'key', key: { ...KEY, sha256: 'b'.repeat(64), createdUs: 6 } },
    ];
    const state = changes.reduce(applyKeyChange, NO_KEYS);
    expect(state.secret).to.deep.equal(Uint8Array.of(1));
    expect(entriesOf(state).map(({ sha256 }) => sha256[0])).to.deep.equal(['b']);
    const many = Array.from({ length: KEYS_MAX + 3 }, (_, i): KeyChange => ({ kind: 'key', key: { ...KEY, name: `k${i}`, revokedUs: i } }));
    const { keys } = many.reduce(applyKeyChange, state);
    expect([keys.length, keys[1]?.name]).to.deep.equal([KEYS_MAX + 1, 'k3']);
  });

  it('is the same from the records of its log', () => {
    const key = fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
      scopes: fc.subarray(['read', 'write', 'admin'] as const),
      createdUs: fc.maxSafeNat(),
      expiresUs: fc.option(fc.maxSafeNat(), { nil: undefined }),
      revokedUs: fc.option(fc.maxSafeNat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(key, (stored) => {
        const change: KeyChange = { kind: 'key', key: stored };
        expect(changeOf({ offset: 0, ...recordOf(change) })).to.deep.equal(change);
      }),
    );
    const newer = recordOf({ kind: 'secret', secret: Uint8Array.of(1) });
    newer.value[0] = 9;
    expect(() => changeOf({ offset: 0, ...newer })).to.throw(/format 9/);
  });
});

describe('keys in a log', () => {
  let log: MemoryLog;
  let clock: ManualClock;
  const opened: Keys[] = [];

  async function open(founds = true, time: Clock = clock): Promise<{ readonly keys: Keys; readonly states: readonly KeyState[] }> {
    const states: KeyState[] = [];
    const logger = createLogger({ level: 'error', clock, write: () => undefined });
    const keys = new Keys({ deployment: 'd', log, clock: time, logger, founds, onState: (state) => states.push(state) });
    opened.push(keys);
    await keys.start();
    return { keys, states };
  }

  beforeEach(() => {
    log = new MemoryLog();
    clock = new ManualClock(1_000_000);
  });
  afterEach(() => Promise.all(opened.splice(0).map((keys) => keys.stop())));

  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (error instanceof ThymeError ? error.code : String(error)),
    );

  it('have one secret, whoever founds it first, also after a restart', async () => {
    const [one, two] = await Promise.all([open(true, systemClock), open(true, systemClock)]); // the one that lost looks again in a while
    const three = await open();
    expect(one.keys.state.secret).to.have.length(32);
    for (const { keys } of [two, three]) expect(keys.state.secret).to.deep.equal(one.keys.state.secret);
  });

  it('are known to every process that follows, and their revocation too', async () => {
    const [one, two] = [await open(), await open(false)];
    const { key, secret } = await one.keys.create({ name: 'web', scopes: ['read'], expiresUs: undefined });
    expect(JSON.stringify(one.keys.state)).to.not.contain(secret);
    const following = two.keys.watch(AbortSignal.timeout(10_000));
    let seen: readonly StoredKey[] = [];
    for await (const state of following) {
      seen = state.keys;
      if (seen.length > 0) break;
    }
    expect(seen).to.deep.equal([key]);
    clock.advance(5_000);
    // By the other process, whose writer takes the place of the first one's.
    expect((await two.keys.revoke('web')).revokedUs).to.be.above(key.createdUs);
    for await (const state of one.keys.watch(AbortSignal.timeout(10_000))) if (entriesOf(state).length === 0) break;
    expect(await one.keys.revoke('web')).to.deep.equal(two.keys.state.keys[0]);
    expect(await codeOf(one.keys.revoke('wep'))).to.equal('THYME_NOT_FOUND');
  });

  it('in force are not made again under the same name; those that are not may be', async () => {
    const { keys } = await open();
    const make = (expiresUs?: number) => keys.create({ name: 'web', scopes: ['read'], expiresUs });
    await make(clock.nowUs() + 10);
    expect(await codeOf(make())).to.equal('THYME_KEY_EXISTS');
    clock.advance(10);
    await make();
    await keys.revoke('web');
    await make();
    expect(keys.state.keys).to.have.length(1);
  });

  it('of a name that two processes make at a time are made by one of them', async () => {
    const [one, two] = [await open(), await open()];
    const results = await Promise.all(
      [one, two].map(({ keys }) => codeOf(keys.create({ name: 'same', scopes: ['read'], expiresUs: undefined }))),
    );
    expect(
      results.filter((code) => code === 'none'),
      String(results),
    ).to.have.length(1);
  });
});
