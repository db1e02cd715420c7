import { create } from '@bufbuild/protobuf';
import { GetRequestSchema, ListRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { compareDefinitions } from '../../libs/definition/compare.js';
import type { Definitions } from '../../libs/definition/definitions.js';
import { memberCode } from '../../libs/definition/member-code.js';
import type { Revision } from '../../libs/definition/revision.js';
import { invalidArgument, nearestName, notFound } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { answerSchema, JSON_TYPE, jsonResponse, type RestRequest, type Route } from '../../libs/rest/route.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import { revisionFromProto } from '../../libs/wire/revisions.js';
import type { GatewayServices } from './gateway-services.js';
import { TIME_TEXT_SCHEMA, timeText } from './read-shapes.js';
import { limitOf } from './request-fields.js';

const COMMITS_DEFAULT = 50;
const COMMITS_MAX = 1_000;
/** To read a large bundle may take half a second of the event loop. */
const CODE_CALLS_MAX = 4;
const NOTHING: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };

/** What was committed when, what each commit changed, and for admins the code of it. */
export function commitRoutes({ registry }: GatewayServices): readonly Route[] {
  async function revision(number: number, context: CallContext): Promise<Revision> {
    const { revision: found } = await registry.get(create(GetRequestSchema, { revision: BigInt(number) }), context);
    if (found === undefined) throw notFound('commit', String(number), []);
    return revisionFromProto(found);
  }
  /** With the one before it: undefined for the first. */
  async function withPrevious(request: RestRequest): Promise<{ readonly revision: Revision; readonly previous: Revision | undefined }> {
    const asked = commitAt(request);
    const number = asked ?? Number((await registry.get(create(GetRequestSchema), request.context)).revision?.number ?? 0n);
    const found = await revision(number, request.context);
    return { revision: found, previous: number > 1 ? await revision(number - 1, request.context) : undefined };
  }
  return [
    {
      method: 'GET',
      path: '/api/v1/commits',
      scope: 'read',
      summary: 'Commits of definitions, newest first.',
      parameters: [
        {
          name: 'limit',
          description: 'At most so many; more than the maximum counts as that.',
          schema: { type: 'integer', minimum: 1, maximum: COMMITS_MAX, default: COMMITS_DEFAULT },
        },
      ],
      answers: { [JSON_TYPE]: answerSchema({ commits: { type: 'array', items: SUMMARY_SCHEMA } }) },
      async handle({ query, context }) {
        const limit = limitOf(query, { fallback: COMMITS_DEFAULT, max: COMMITS_MAX });
        const { revisions } = await registry.list(create(ListRequestSchema, { limit }), context);
        const commits = revisions.map(({ number, createdUs, datasets, pipelines, featuresets }) => ({
          id: String(number),
          created_at: timeText(createdUs),
          datasets,
          pipelines,
          featuresets,
        }));
        return jsonResponse(encodeJson({ commits }));
      },
    },
    {
      method: 'GET',
      path: '/api/v1/commits/{id}',
      scope: 'read',
      summary: 'What a commit (or `latest`) changed in the definitions; of code only whether it is other code.',
      answers: { [JSON_TYPE]: COMMIT_SCHEMA },
      async handle(request) {
        const { revision: found, previous } = await withPrevious(request);
        const changes = compareDefinitions(previous?.definitions ?? NOTHING, found.definitions);
        return jsonResponse(
          encodeJson({
            id: String(found.number),
            created_at: timeText(BigInt(found.createdUs)),
            bundle_sha256: found.bundle.sha256,
            code_changed: found.bundle.sha256 !== (previous?.bundle.sha256 ?? ''),
            changes: changes.map(({ kind, place, message }): JsonTree => ({ kind: KINDS[kind], subject: place, detail: message })),
          }),
        );
      },
    },
    {
      method: 'GET',
      path: '/api/v1/commits/{id}/code',
      scope: 'admin',
      summary:
        'The code of the pipelines and extractors that a commit (or `latest`) changed, as it runs; with name, of that one, changed or not.',
      parameters: [{ name: 'name', description: 'A pipeline or an extractor, such as `FraudSignals.suspicious`.' }],
      answers: { [JSON_TYPE]: CODE_SCHEMA },
      callsMax: CODE_CALLS_MAX,
      async handle(request) {
        const { revision: found, previous } = await withPrevious(request);
        const name = request.query.get('name');
        const names = functionNames(found.definitions);
        if (name !== undefined && !names.includes(name)) throw noFunction(name, names);
        const [code, before] = [memberCode(found.bundle.code, names), memberCode(previous?.bundle.code ?? '', names)];
        const functions = [...code]
          .filter(([each, text]) => (name === undefined ? before.get(each) !== text : each === name))
          .map(([each, text]) => ({ name: each, code: text, before: before.get(each) ?? null }));
        return jsonResponse(encodeJson({ id: String(found.number), functions }));
      },
    },
  ];
}

/** `Class.member` of all that the author wrote as a function. */
function functionNames({ pipelines, featuresets }: Definitions): readonly string[] {
  return [
    ...pipelines.map(({ name }) => name),
    ...featuresets.flatMap((featureset) => featureset.extractors.map(({ name }) => `${featureset.name}.${name}`)),
  ];
}

function noFunction(name: string, names: readonly string[]): Error {
  const nearest = nearestName(name.slice(0, 128), names);
  return invalidArgument(
    'name',
    `no pipeline or extractor is called '${name.slice(0, 128)}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
  );
}

/** Undefined for the newest. */
function commitAt({ pathParameters }: RestRequest): number | undefined {
  const id = pathParameters.get('id') ?? '';
  if (id === 'latest') return undefined;
  if (!/^[1-9]\d{0,14}$/.test(id)) throw invalidArgument('id', `'${id.slice(0, 32)}' is no commit: send its number, or latest`);
  return Number(id);
}

const KINDS = { added: 'added', changed: 'changed', removed: 'removed', needsBackfill: 'needs_backfill', breaking: 'breaking' } as const;

const SUMMARY_SCHEMA = answerSchema({
  id: { type: 'string' },
  created_at: TIME_TEXT_SCHEMA,
  datasets: { type: 'integer', minimum: 0 },
  pipelines: { type: 'integer', minimum: 0 },
  featuresets: { type: 'integer', minimum: 0 },
});

const COMMIT_SCHEMA = answerSchema({
  id: { type: 'string' },
  created_at: TIME_TEXT_SCHEMA,
  bundle_sha256: { type: 'string', description: 'Of the functions; empty where there are none.' },
  code_changed: { type: 'boolean' },
  changes: {
    type: 'array',
    items: answerSchema({ kind: { enum: Object.values(KINDS) }, subject: { type: 'string' }, detail: { type: 'string' } }),
  },
});

const CODE_SCHEMA = answerSchema({
  id: { type: 'string' },
  functions: {
    type: 'array',
    items: answerSchema({
      name: { type: 'string' },
      code: { type: 'string', description: 'JavaScript, as it runs.' },
      before: { type: ['string', 'null'], description: 'Of the commit before; null where it had none of that name.' },
    }),
  },
});
