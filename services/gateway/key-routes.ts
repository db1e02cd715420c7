import { create } from '@bufbuild/protobuf';
import { CreateKeyRequestSchema, ListKeysRequestSchema, RevokeKeyRequestSchema, type ApiKey } from '../../gen/thyme/v1/keys_pb.js';
import { fingerprintOf, SCOPES } from '../../libs/config/api-keys.js';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import {
  answerSchema,
  JSON_TYPE,
  jsonResponse,
  requestSchema,
  type JsonSchema,
  type Route,
  type RouteBody,
} from '../../libs/rest/route.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { GatewayServices } from './gateway-services.js';
import { bodyFields, optionalTimestampUs, requiredList, requiredText } from './request-fields.js';

const KEY_BODY_BYTES_MAX = 4_096;
const NONCE = /^[\w-]{16,64}$/;

/** API keys over REST, and how a command finds out whether this server's folder is its own. */
export function keyRoutes({ keys, proveFolderKey, events }: GatewayServices): readonly Route[] {
  const noteChange = (verb: 'created' | 'revoked', { name, sha256, scopes }: ApiKey): void =>
    events.record({
      eventType: `key_${verb}`,
      severity: 'info',
      source: 'gateway',
      subject: name,
      message: `key ${name} (${fingerprintOf(sha256)}) was ${verb}`,
      detail: { scopes: scopes.join('+') },
    });
  return [
    {
      method: 'POST',
      path: '/api/v1/keys',
      scope: 'admin',
      summary: 'Makes an API key, which this answer alone shows.',
      body: keyBody(NEW_KEY_SCHEMA),
      answers: { [JSON_TYPE]: answerSchema({ ...KEY_FIELDS, key: { type: 'string', description: 'It is not shown again.' } }) },
      async handle(request) {
        const fields = bodyFields(request, NEW_KEY_SCHEMA);
        const expiresUs = optionalTimestampUs(fields, 'expires_at');
        const scopes = requiredList(fields, 'scopes', SCOPES.length).map((scope) => {
          if (typeof scope !== 'string') throw invalidArgument('scopes', `holds what is no text: use ${SCOPES.join(', ')}`);
          return scope;
        });
        const wanted = { name: requiredText(fields, 'name'), scopes, ...(expiresUs === undefined ? {} : { expiresUs }) };
        const { key, secret } = await keys.createKey(create(CreateKeyRequestSchema, wanted), request.context);
        const made = known(key);
        noteChange('created', made);
        return jsonResponse(encodeJson({ ...keyJson(made), key: secret }));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/keys',
      scope: 'admin',
      summary: 'API keys, newest first, by what is known of them.',
      answers: { [JSON_TYPE]: answerSchema({ keys: { type: 'array', items: answerSchema(KEY_FIELDS) } }) },
      async handle({ context }) {
        const listed = await keys.listKeys(create(ListKeysRequestSchema), context);
        return jsonResponse(encodeJson({ keys: listed.keys.map(keyJson) }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/keys/{name}/revoke',
      scope: 'admin',
      summary: 'Takes an API key back, for all processes within a second.',
      body: keyBody(NOTHING),
      answers: { [JSON_TYPE]: answerSchema(KEY_FIELDS) },
      async handle(request) {
        const { pathParameters, context } = request;
        if (request.body.length > 0) bodyFields(request, NOTHING);
        const { key } = await keys.revokeKey(create(RevokeKeyRequestSchema, { name: pathParameters.get('name') ?? '' }), context);
        const revoked = known(key);
        noteChange('revoked', revoked);
        return jsonResponse(encodeJson(keyJson(revoked)));
      },
    },
    identityRoute(proveFolderKey),
  ];
}

/** Public: it tells nothing to who has not the key, and whoever has it asks before he sends it. */
function identityRoute(proveFolderKey: GatewayServices['proveFolderKey']): Route {
  return {
    method: 'GET',
    path: '/api/v1/identity',
    scope: 'public',
    summary: 'Proves that this server has the key of its data folder, to who has it too.',
    parameters: [{ name: 'nonce', description: '16 to 64 random letters, digits, - and _.', required: true }],
    answers: { [JSON_TYPE]: answerSchema({ proof: { type: 'string' } }) },
    handle({ query, localPort }) {
      const nonce = query.get('nonce') ?? '';
      if (!NONCE.test(nonce)) throw invalidArgument('nonce', 'send 16 to 64 random letters, digits, - and _');
      const proof = proveFolderKey(nonce, localPort ?? 0);
      if (proof === undefined)
        throw new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', 'this server has keys that were configured, and none in its folder');
      return jsonResponse(encodeJson({ proof }));
    },
  };
}

function keyBody(schema: JsonSchema): RouteBody {
  return { bytesMax: KEY_BODY_BYTES_MAX, wayOut: 'a key is a name, scopes and a time', types: [JSON_TYPE], schema };
}

function known(key: ApiKey | undefined): ApiKey {
  if (key === undefined) throw new ThymeError('THYME_INTERNAL', 'INTERNAL', 'a key that was changed was not answered');
  return key;
}

function keyJson({ name, sha256, scopes, createdUs, expiresUs, revokedUs }: ApiKey): Record<string, JsonTree> {
  return {
    name,
    fingerprint: fingerprintOf(sha256),
    scopes: [...scopes],
    created_at: formatTimestamp(Number(createdUs)),
    expires_at: expiresUs === undefined ? null : formatTimestamp(Number(expiresUs)),
    revoked_at: revokedUs === undefined ? null : formatTimestamp(Number(revokedUs)),
  };
}

const TIME_OR_NULL: JsonSchema = { type: ['string', 'null'], description: 'RFC 3339.' };

const KEY_FIELDS: Readonly<Record<string, JsonSchema>> = {
  name: { type: 'string' },
  fingerprint: { type: 'string', description: 'As audits name it: the first 8 hex digits of its SHA-256.' },
  scopes: { type: 'array', items: { enum: SCOPES } },
  created_at: { type: 'string' },
  expires_at: TIME_OR_NULL,
  revoked_at: TIME_OR_NULL,
};

const NEW_KEY_SCHEMA = requestSchema(
  {
    name: { type: 'string', description: 'Letters, digits, . _ @ -; at most 64.' },
    scopes: { type: 'array', items: { enum: SCOPES } },
    expires_at: { type: 'string', description: 'From then on it is refused; never, when absent.' },
  },
  ['name', 'scopes'],
);
const NOTHING = requestSchema({});
