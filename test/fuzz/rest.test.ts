// Every REST route, by its own description, with anything: RELIABILITY, suite 6.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { jsonOf, request } from '../support/http.js';
import { anyJson, fieldOf, objectOf, texts } from './arbitraries.js';
import { fuzz, FUZZ_RUNS, FuzzTarget, SLOW_RUNS, type Outcome } from './fuzz-target.js';
import { rawConnections, sendRaw } from './raw-connection.js';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly body: { readonly properties?: object; readonly required?: readonly string[] } | undefined;
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** OpenAPI of all routes; `before` has not run when tests are declared, so the table is asked for inside of them. */
async function operations(url: string): Promise<readonly Operation[]> {
  const { paths } = jsonOf(await request(`${url}/openapi.json`)) as {
    readonly paths: Record<
      string,
      Record<
        string,
        {
          readonly parameters: Operation['parameters'];
          readonly requestBody?: { readonly content: Record<string, { readonly schema: Operation['body'] }> };
        }
      >
    >;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema ?? (requestBody === undefined ? undefined : {}),
    })),
  );
}

const accepts = fc.oneof(
  { weight: 8, arbitrary: fc.constant('*/*') }, // most others are refused before anything else is looked at (406)
  fc.constantFrom(
    'application/json',
    'application/vnd.apache.arrow.stream',
    'application/x-ndjson',
    'text/html;q=0.1,application/*;q=2',
    ',,;;q=',
    '',
  ),
);
const contentTypes = fc.oneof(
  { weight: 8, arbitrary: fc.constant('application/json') },
  fc.constantFrom('application/protobuf', 'text/plain', 'application/json; charset=utf-16', ''),
);

function structured({ method, path, parameters, body }: Operation): fc.Arbitrary<Sent> {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const query = fc.oneof(
    { weight: 5, arbitrary: objectOf(inQuery, requiredOf(inQuery)) },
    fc.dictionary(texts, texts, { noNullPrototype: false }),
  );
  const bodies =
    body === undefined
      ? fc.constant(undefined)
      : fc.oneof({ weight: 6, arbitrary: objectOf(Object.keys(body.properties ?? {}), body.required ?? []) }, anyJson);
  return fc
    .record({ query, body: bodies, accept: accepts, type: contentTypes, id: fieldOf('cursor') })
    .map((sent) => ({
      method,
      path: path.replace(/\{\w+\}/, encodeURIComponent(wellFormed(sent.id))) + (inQuery.length === 0 ? '' : `?${queryText(sent.query)}`),
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
      headers: { accept: sent.accept, ...(sent.type === '' ? {} : { 'content-type': sent.type }) },
    }));
}

/** What a question about an entity, or about a dataset, is nothing without. */
function requiredOf(inQuery: readonly string[]): readonly string[] {
  if (inQuery.includes('dataset')) return ['dataset'];
  if (!inQuery.includes('entity_id')) return [];
  return [inQuery.includes('featureset') ? 'featureset' : 'entity_type', 'entity_id'];
}

function raw({ method, path }: Operation): fc.Arbitrary<Sent> {
  const pieces = fc
    .array(
      fc.oneof(
        fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '"events":', '"dataset":"Purchase",', 'null', '1e999', '\u0000'),
        fc.string({ unit: 'binary' }),
      ),
      { maxLength: 30 },
    )
    .map((parts) => Buffer.from(parts.join('')));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), pieces);
  const query = fc.oneof(fc.stringMatching(/^[!-~]{0,60}$/), fc.constant('featureset=%ff%fe&entity_id=%'));
  return fc
    .record({ body: bytes, query, accept: accepts, type: contentTypes })
    .map((sent) => ({
      method,
      path: `${path.replace(/\{\w+\}/, encodeURIComponent(sent.query))}?${sent.query.replaceAll('#', '')}`,
      ...(method === 'GET' ? {} : { body: Uint8Array.from(sent.body) }),
      headers: { accept: sent.accept, ...(sent.type === '' ? {} : { 'content-type': sent.type }) },
    }));
}

/** Not with fetch, which mends what it is given. */
async function send({ url, thyme }: FuzzTarget, { method, path, body, headers }: Sent): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  const sent = httpRequest({
    hostname,
    port,
    method,
    path,
    headers: {
      authorization: `Bearer ${thyme.adminKey}`,
      ...headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [
    AsyncIterable<Buffer> & { readonly statusCode: number; readonly headers: Record<string, unknown> },
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const isText = /json|text/.test(String(response.headers['content-type']));
  return {
    input: { method, path, headers, body },
    status: String(response.statusCode),
    text: isText ? Buffer.concat(chunks).toString() : '',
  };
}

/**
 * Routes that random input cannot satisfy: run ids, names of keys and nonces are random, no dataset there has a source,
 * definitions have a test of their own, links to the console are for admins and their tokens random, and what is erased has to
 * be there.
 */
const NEVER_WELL = /\{(id|name|dataset)\}|commit|plan|erase|keys|identity|console|over-time/;

describe('fuzzed REST', function () {
  this.timeout(Math.max(300_000, FUZZ_RUNS * 1_000));
  const target = new FuzzTarget();
  before(() => target.start());
  after(() => target.end());
  afterEach(() => target.expectUnharmed());

  it('answers every route, given what its description says or nearly so, without a fault of its own', async () => {
    for (const operation of await operations(target.url)) {
      const counts = await fuzz({ target: nameOf(operation), kind: 'structured' }, structured(operation), (sent) => send(target, sent));
      // Else the inputs are too far off to test more than the first check.
      if (!NEVER_WELL.test(operation.path)) expect(counts.get('200'), `${operation.path}: ${JSON.stringify([...counts])}`).to.be.above(0);
    }
  });

  it('answers every route, given bytes, without a fault of its own', async () => {
    for (const operation of await operations(target.url)) {
      await fuzz({ target: nameOf(operation), kind: 'raw' }, raw(operation), (sent) => send(target, sent));
    }
  });

  it('survives connections that speak no HTTP, or half of it', async () => {
    const { port } = new URL(target.url);
    await fuzz({ target: 'HTTP connections', kind: 'raw', runs: SLOW_RUNS }, rawConnections, (sent) => sendRaw(Number(port), sent));
  });
});

function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`;
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  return new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ).toString();
}

function wellFormed(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[\uD800-\uDFFF]/g, '?') || 'x';
}
