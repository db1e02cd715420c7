import { expect } from 'chai';
import { bearerKey, formatApiKeyEntry, generateApiKey, parseApiKeyEntries } from '../../../libs/config/api-keys.js';
import { createEnv } from '../../../libs/config/env.js';
import { assertSafeAddress, isLoopback } from '../../../libs/config/listen-address.js';
import { authorizeByKeys, authorizeEverybody } from '../../support/test-keys.js';

describe('environment variables', () => {
  const env = createEnv({ PORT: ' 8080 ', EMPTY: '', BIG: '70000', WORD: 'blue', YES: 'True', LIST: 'a, b,,c' });

  it('are read with their bounds, and absent when empty', () => {
    expect(env.integer('PORT', { fallback: 1, min: 0, max: 65_535 })).to.equal(8_080);
    expect(env.integer('EMPTY', { fallback: 1, min: 0, max: 65_535 })).to.equal(1);
    expect([env.optional('EMPTY'), env.text('NONE', { fallback: 'x' }), env.optional('__proto__')]).to.deep.equal([
      undefined,
      'x',
      undefined,
    ]);
    expect([
      env.boolean('YES', { fallback: false }),
      env.oneOf('WORD', ['red', 'blue'], { fallback: 'red' }),
      env.list('LIST'),
    ]).to.deep.equal([true, 'blue', ['a', 'b', 'c']]);
  });

  it('are named by the error when they are wrong', () => {
    expect(() => env.integer('BIG', { fallback: 1, min: 0, max: 65_535 })).to.throw("BIG: '70000' is no integer from 0 to 65535");
    expect(() => env.integer('WORD', { fallback: 1, min: 0, max: 9 })).to.throw("WORD: 'blue'");
    expect(() => env.boolean('WORD', { fallback: true })).to.throw('WORD');
    expect(() => env.oneOf('WORD', ['red'], { fallback: 'red' })).to.throw("WORD: 'blue' is none of red");
    expect(() => env.required('NONE')).to.throw('NONE: must be set');
  });
});

describe('API keys', () => {
  it('are kept as hashes, and admit by scope', () => {
    const { key, entry } = generateApiKey(['read']);
    const [kept] = parseApiKeyEntries([formatApiKeyEntry(entry)], 'KEYS');
    expect(formatApiKeyEntry(entry)).to.not.contain(key);
    expect(kept).to.deep.equal(entry);
    const authorize = authorizeByKeys([generateApiKey(['admin']).entry, entry, generateApiKey(['write']).entry]);
    expect(authorize('read', key)).to.deep.equal({ apiKeyFingerprint: entry.sha256.slice(0, 8), scopes: new Set(['read']) });
    expect(() => authorize('write', key)).to.throw("no 'write' scope");
    for (const wrong of [undefined, '', `${key}x`, key.slice(0, -1), 'x'.repeat(1e6)])
      expect(() => authorize('read', wrong)).to.throw('valid API key');
    expect(authorize('public', undefined).scopes.size).to.equal(0);
  });

  it('of admins do everything', () => {
    const { key, entry } = generateApiKey(['admin']);
    const authorize = authorizeByKeys([entry]);
    for (const scope of ['read', 'write', 'admin'] as const) expect(authorize(scope, key).scopes.has('admin')).to.equal(true);
  });

  it('never open what has no scope, even where keys are not in use', () => {
    expect(() => authorizeEverybody(undefined, undefined)).to.throw('declares no scope');
    expect(() => authorizeByKeys([])(undefined, undefined)).to.throw('declares no scope');
  });

  it('in a wrong form are refused without being shown', () => {
    for (const text of ['thyme_secret', `${'a'.repeat(64)}:root`, `${'a'.repeat(64)}:`, `${'a'.repeat(63)}:read`]) {
      expect(() => parseApiKeyEntries([text], 'THYME_API_KEYS'))
        .to.throw('THYME_API_KEYS')
        .and.have.property('message')
        .that.does.not.contain('secret');
    }
  });

  it('travel as bearer tokens', () => {
    expect([
      bearerKey('Bearer abc'),
      bearerKey('bearer  abc '),
      bearerKey('Basic abc'),
      bearerKey('Bearer '),
      bearerKey(undefined),
    ]).to.deep.equal(['abc', 'abc', undefined, undefined, undefined]);
  });
});

describe('listen addresses', () => {
  it('beyond loopback need TLS and keys, or the word', () => {
    expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost', '0.0.0.0', '::', '10.0.0.1', 'example.com'].map(isLoopback)).to.deep.equal([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    const check = (host: string, hasTls: boolean, hasKeys: boolean, insecure: boolean) => () =>
      assertSafeAddress({ variable: 'THYME_HOST', host, hasTls, hasKeys, insecure });
    expect(check('127.0.0.1', false, false, false)).to.not.throw();
    expect(check('0.0.0.0', true, true, false)).to.not.throw();
    expect(check('0.0.0.0', false, false, true)).to.not.throw();
    expect(check('0.0.0.0', true, false, false))
      .to.throw('THYME_HOST')
      .with.property('message')
      .that.contains('API keys are missing');
    expect(check('0.0.0.0', false, false, false)).to.throw('a TLS certificate and API keys are missing');
  });
});
