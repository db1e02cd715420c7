import { create } from '@bufbuild/protobuf';
import {
  CreateKeyResponseSchema,
  ListKeysResponseSchema,
  RevokeKeyResponseSchema,
  WatchKeysResponseSchema,
  type CreateKeyRequest,
  type KeyService,
} from '../../gen/thyme/v1/keys_pb.js';
import { SCOPES } from '../../libs/config/api-keys.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { safeNumberIfAny } from '../../libs/wire/integers.js';
import { isScope, keyToProto } from './key-messages.js';
import type { Keys, NewKey } from './keys.js';

/** As it stands in URLs and logs. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** The RPCs of KeyService. */
export function keyHandlers(keys: Keys, clock: { nowUs(): number }): ServiceHandlers<typeof KeyService> {
  return {
    async createKey(request, { signal }) {
      signal.throwIfAborted();
      const { key, secret } = await keys.create(newKeyOf(request, clock.nowUs()));
      return create(CreateKeyResponseSchema, { key: keyToProto(key), secret });
    },
    listKeys: () => create(ListKeysResponseSchema, { keys: [...keys.state.keys].reverse().map(keyToProto) }),
    async revokeKey({ name }, { signal }) {
      signal.throwIfAborted();
      return create(RevokeKeyResponseSchema, { key: keyToProto(await keys.revoke(checkedName(name))) });
    },
    async *watchKeys(_request, { signal }) {
      for await (const state of keys.watch(signal))
        yield create(WatchKeysResponseSchema, { keys: state.keys.map(keyToProto), secret: state.secret ?? new Uint8Array() });
    },
  };
}

function newKeyOf({ name, scopes, expiresUs }: CreateKeyRequest, nowUs: number): NewKey {
  const known = SCOPES.filter((scope) => scopes.includes(scope));
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown !== undefined) throw invalidArgument('scopes', `'${unknown.slice(0, 32)}' is none of ${SCOPES.join(', ')}`);
  if (known.length === 0) throw invalidArgument('scopes', `name at least one of ${SCOPES.join(', ')}`);
  const expires = safeNumberIfAny(expiresUs, 'expires_us');
  if (expires !== undefined && expires <= nowUs) throw invalidArgument('expires', 'lies in the past: such a key would be of no use');
  return { name: checkedName(name), scopes: known, expiresUs: expires };
}

function checkedName(name: string): string {
  if (!NAME.test(name)) throw invalidArgument('name', 'use 1 to 64 letters, digits, and . _ @ - behind the first');
  return name;
}
