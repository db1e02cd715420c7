import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { KeyRecordSchema, type ApiKey, type ApiKeySchema } from '../../gen/thyme/v1/keys_pb.js';
import { SCOPES, type Scope } from '../../libs/config/api-keys.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { LogRecord, NewRecord } from '../../libs/log/log.js';
import { safeNumber, safeNumberIfAny } from '../../libs/wire/integers.js';
import type { KeyChange, StoredKey } from './key-book.js';

/** The value of a record: | version u8 = 1 | thyme.v1.KeyRecord |. Its key is the API key's name, and empty for the secret. */
const FORMAT_VERSION = 1;

export function recordOf(change: KeyChange): NewRecord {
  const record =
    change.kind === 'key' ? { case: 'key' as const, value: keyToProto(change.key) } : { case: 'secret' as const, value: change.secret };
  const encoded = toBinary(KeyRecordSchema, create(KeyRecordSchema, { record }));
  return { key: Buffer.from(change.kind === 'key' ? change.key.name : ''), value: Buffer.concat([Uint8Array.of(FORMAT_VERSION), encoded]) };
}

/** Undefined for what this version has no word for within a format that it knows. */
export function changeOf({ value }: LogRecord): KeyChange | undefined {
  const version = value[0];
  if (version !== FORMAT_VERSION) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `a record of keys has format ${version}, and this process knows ${FORMAT_VERSION}: upgrade it`,
    );
  }
  const { record } = fromBinary(KeyRecordSchema, Uint8Array.from(value.subarray(1)));
  switch (record.case) {
    case 'key':
      return { kind: 'key', key: keyFromProto(record.value) };
    case 'secret':
      return { kind: 'secret', secret: record.value };
    case undefined:
      return undefined;
  }
}

export function keyToProto({ name, sha256, scopes, createdUs, expiresUs, revokedUs }: StoredKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    name,
    sha256,
    scopes: [...scopes],
    createdUs: BigInt(createdUs),
    ...(expiresUs === undefined ? {} : { expiresUs: BigInt(expiresUs) }),
    ...(revokedUs === undefined ? {} : { revokedUs: BigInt(revokedUs) }),
  };
}

export function keyFromProto({ name, sha256, scopes, createdUs, expiresUs, revokedUs }: ApiKey): StoredKey {
  return {
    name,
    sha256,
    scopes: scopes.filter(isScope),
    createdUs: safeNumber(createdUs, 'created_us'),
    expiresUs: safeNumberIfAny(expiresUs, 'expires_us'),
    revokedUs: safeNumberIfAny(revokedUs, 'revoked_us'),
  };
}

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}
