import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { entryOf, generateApiKey, sha256, type RequiredScope, type Scope } from '../../../libs/config/api-keys.js';
import { Authority, folderKeyProof } from '../../../libs/config/authority.js';
import { readOrMakeSecret } from '../../../libs/config/secret-file.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const FOLDER_KEY = generateApiKey(['admin']).key;
const INTERNAL = 'an internal key of the deployment';
const SHOWN = { hasCertificate: () => true };
const NOT_SHOWN = { hasCertificate: () => false };

describe('an authority', () => {
  let nowUs = 0;
  const clock = { nowUs: () => nowUs };
  const statusOf = (act: () => unknown): string => {
    try {
      act();
      return 'OK';
    } catch (error) {
      return error instanceof ThymeError ? error.status : String(error);
    }
  };

  it('in the open leaves reads and pushes to everybody, and asks for the folder key above that', () => {
    const { authorize } = new Authority({ configured: [], isOpen: true, folderKey: FOLDER_KEY, internalKey: () => INTERNAL, clock });
    const table: readonly (readonly [RequiredScope, string | undefined, string])[] = [
      ['read', undefined, 'OK'],
      ['write', 'thyme_unknown', 'OK'],
      ['admin', undefined, 'UNAUTHENTICATED'],
      ['admin', 'thyme_unknown', 'UNAUTHENTICATED'],
      ['admin', FOLDER_KEY, 'OK'],
      ['internal', undefined, 'UNAUTHENTICATED'],
      ['internal', FOLDER_KEY, 'PERMISSION_DENIED'],
      ['internal', INTERNAL, 'OK'],
      ['admin', INTERNAL, 'OK'],
    ];
    for (const [scope, key, status] of table)
      expect(
        statusOf(() => authorize(scope, key, SHOWN)),
        `${scope} with ${String(key)}`,
      ).to.equal(status);
    expect(authorize('read', undefined).apiKeyFingerprint).to.equal(undefined);
    expect(authorize('write', FOLDER_KEY).apiKeyFingerprint).to.equal(sha256(FOLDER_KEY).toString('hex').slice(0, 8));
    expect(
      statusOf(() => authorize('internal', INTERNAL)),
      'at a door for clients',
    ).to.equal('UNAUTHENTICATED');
    expect(authorize('read', INTERNAL, SHOWN).apiKeyFingerprint).to.equal(undefined);
  });

  it('goes by the keys as they stand: created, revoked, expired', () => {
    const authority = new Authority({ configured: [], isOpen: false, clock });
    const { key } = generateApiKey(['read']);
    const ask = (): string => statusOf(() => authority.authorize('read', key));
    expect(ask()).to.equal('UNAUTHENTICATED');
    authority.replaceStored([{ ...entryOf(key, ['read']), expiresUs: 10 }]);
    expect(ask()).to.equal('OK');
    nowUs = 10;
    expect(ask()).to.equal('UNAUTHENTICATED');
    authority.replaceStored([entryOf(key, ['read'])]);
    expect(ask()).to.equal('OK');
    authority.replaceStored([]);
    expect(ask()).to.equal('UNAUTHENTICATED');
  });

  it('that asks for certificates takes the internal key from nobody without one', () => {
    let internalKey: string | undefined = INTERNAL;
    const { authorize } = new Authority({
      configured: [],
      isOpen: true,
      internalKey: () => internalKey,
      needsPeerCertificate: true,
      clock,
    });
    expect(statusOf(() => authorize('internal', INTERNAL, SHOWN))).to.equal('OK');
    expect(statusOf(() => authorize('internal', INTERNAL, NOT_SHOWN))).to.equal('PERMISSION_DENIED');
    expect(statusOf(() => authorize('read', INTERNAL, NOT_SHOWN))).to.equal('PERMISSION_DENIED');
    internalKey = undefined;
    expect(
      statusOf(() => authorize('internal', INTERNAL, SHOWN)),
      'not known yet',
    ).to.equal('UNAUTHENTICATED');
  });

  it('gives no key scope internal', () => {
    const scopes: readonly Scope[] = ['read', 'write', 'admin'];
    const { key, entry } = generateApiKey(scopes);
    const { authorize } = new Authority({ configured: [entry], isOpen: false, clock });
    expect(statusOf(() => authorize('internal', key, SHOWN))).to.equal('PERMISSION_DENIED');
  });

  it('proves the folder key for the nonce and the port that were asked, and tells nothing without it', () => {
    const authority = new Authority({ configured: [], isOpen: true, folderKey: FOLDER_KEY, clock });
    const proof = authority.proveFolderKey('nonce-of-a-client', 8_080);
    expect(proof).to.equal(folderKeyProof(sha256(FOLDER_KEY), 'nonce-of-a-client', 8_080));
    expect(
      new Set([proof, authority.proveFolderKey('nonce-of-a-client', 8_081), authority.proveFolderKey('another-nonce', 8_080)]).size,
    ).to.equal(3);
    expect(new Authority({ configured: [], isOpen: true, clock }).proveFolderKey('nonce-of-a-client', 8_080)).to.equal(undefined);
  });
});

describe('a secret file', () => {
  it('is made once, whole, for its owner alone', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'below', 'a.key');
    let made = 0;
    const make = (): string => `secret ${++made}`;
    expect([readOrMakeSecret(file, 'V', make), readOrMakeSecret(file, 'V', make)]).to.deep.equal(
      Array.from({ length: 2 }, () => ({ secret: 'secret 1', isExposed: false })),
    );
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(join(folder, 'below'))).to.deep.equal(['a.key']);
  });

  it('that another process makes at the same moment is taken as that one made it', () => {
    const file = join(temporaryFolder(), 'a.key');
    const late = (): string => {
      writeFileSync(file, 'the other one\n', { mode: 0o600 });
      return 'mine';
    };
    expect(readOrMakeSecret(file, 'V', late).secret).to.equal('the other one');
  });

  it('that others can read is said to be so, and what is no file is named with its variable', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'open.key'), 'x', { mode: 0o644 });
    expect(readOrMakeSecret(join(folder, 'open.key'), 'V', () => 'y')).to.deep.equal({ secret: 'x', isExposed: true });
    mkdirSync(join(folder, 'folder.key'));
    expect(() => readOrMakeSecret(join(folder, 'folder.key'), 'V', () => 'y')).to.throw(/^V: /);
  });
});
