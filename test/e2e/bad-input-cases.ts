// What callers do wrong, and what each is told: over REST, and over gRPC where the same can be said there.

export interface BadInput {
  readonly title: string;
  /** Path, and body as JSON or, where JSON.stringify cannot say it, as text. */
  readonly rest: {
    readonly path: string;
    readonly body?: unknown;
    readonly text?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly method?: string;
  };
  readonly status: number;
  readonly words: RegExp;
  /** A refused record is no failed call: its error stands in the answer, and `code` is then absent. */
  readonly rpc?: { readonly method: string; readonly request: object; readonly code?: string };
}

const NOW = new Date();
const at = (aheadMs: number): string => new Date(NOW.getTime() + aheadMs).toISOString();
const purchase = { user_id: 1, item: 'tea', price: 3.5, paid_at: at(0) };

export const BAD_PUSHES: readonly BadInput[] = [
  push('S12: a wrong type', 'Purchase', JSON.stringify([{ ...purchase, price: 'dear' }]), /Purchase\.price: .*number/),
  push(
    'S12: a missing field',
    'Purchase',
    JSON.stringify([{ ...purchase, price: undefined }]),
    /Purchase\.price: required, but missing: send a value/,
  ),
  push('S12: a missing key', 'Purchase', JSON.stringify([{ ...purchase, user_id: undefined }]), /Purchase\.user_id: required, but missing/),
  push('S12: a key of another JSON type', 'Purchase', JSON.stringify([{ ...purchase, user_id: '1' }]), /Purchase\.user_id: /),
  push('S12: an empty key', 'Visit', JSON.stringify([{ page: '', ms: 1, at: at(0) }]), /Visit\.page: .*empty/),
  push(
    'S12: a time more than maxFuture ahead',
    'Purchase',
    JSON.stringify([{ ...purchase, paid_at: at(24 * 3_600_000) }]),
    /Purchase\.paid_at: .*more than 600 s ahead of the clock.*maxFuture/,
  ),
  push(
    'S1: a time that is none',
    'Purchase',
    JSON.stringify([{ ...purchase, paid_at: 'None' }]),
    /Purchase\.paid_at: .*'None' is no timestamp: send RFC 3339/,
  ),
  push(
    'S1: a day that no calendar has',
    'Purchase',
    JSON.stringify([{ ...purchase, paid_at: '2026-02-30T00:00:00Z' }]),
    /Purchase\.paid_at: .*is no timestamp/,
  ),
  push(
    'S8: an integer beyond 2^53',
    'Purchase',
    JSON.stringify([purchase]).replace('"user_id":1', '"user_id":1,"quantity":9007199254740993'),
    /Purchase\.quantity: /,
  ),
  push(
    'S8: a key beyond 2^53',
    'Purchase',
    JSON.stringify([purchase]).replace('"user_id":1', '"user_id":9007199254740993'),
    /Purchase\.user_id: /,
  ),
  push(
    'a key that hides in __proto__',
    'Purchase',
    JSON.stringify([{ ...purchase, user_id: undefined }]).replace('{', '{"__proto__":{"user_id":1},'),
    /Purchase\.user_id: required, but missing/,
  ),
  push('a record that is no object', 'Purchase', '[7]', /Purchase: expected an object/),
  push('a record that is null', 'Purchase', '[null]', /Purchase: expected an object/),
];

export const BAD_REQUESTS: readonly BadInput[] = [
  {
    title: 'a push into an unknown dataset',
    rest: { path: '/api/v1/log', body: { dataset: 'Purchas', events: [purchase] } },
    status: 404,
    words: /no dataset is called 'Purchas'; did you mean 'Purchase'\?/,
    rpc: { method: 'IngestService/Log', request: { dataset: 'Purchas', json: base64(JSON.stringify([purchase])) }, code: 'NotFound' },
  },
  {
    title: 'S12: a push into a dataset that a pipeline fills',
    rest: { path: '/api/v1/log', body: { dataset: 'UserPurchases', events: [{}] } },
    status: 400,
    words: /'UserPurchases' is filled by the pipeline UserPurchases\.purchases: push into Purchase instead/,
    rpc: { method: 'IngestService/Log', request: { dataset: 'UserPurchases', json: base64('[{}]') }, code: 'InvalidArgument' },
  },
  {
    title: 'S13: a producer without a sequence',
    rest: { path: '/api/v1/log', body: { dataset: 'Purchase', events: [purchase], producer_id: 'p' } },
    status: 400,
    words: /sequence: is missing beside producer_id/,
    rpc: {
      method: 'IngestService/Log',
      request: { dataset: 'Purchase', json: base64(JSON.stringify([purchase])), producerId: 'p' },
      code: 'InvalidArgument',
    },
  },
  {
    title: 'events that are no list',
    rest: { path: '/api/v1/log', body: { dataset: 'Purchase', events: 'all' } },
    status: 400,
    words: /events: is no list: send a list of objects/,
  },
  {
    title: 'an event that is sent without its list',
    rest: { path: '/api/v1/log', body: { dataset: 'Purchase', events: purchase } },
    status: 400,
    words: /events: is no list: send a list of objects/,
  },
  {
    title: 'no events at all',
    rest: { path: '/api/v1/log', body: { dataset: 'Purchase' } },
    status: 400,
    words: /events: is missing: send a list of objects/,
  },
  {
    title: 'a body that is no JSON',
    rest: { path: '/api/v1/log', text: '{"dataset": "Purchase", "events": [' },
    status: 400,
    words: /body: is no JSON object: it ends in the middle/,
  },
  {
    title: 'JSON nested a thousand deep',
    rest: { path: '/api/v1/log', text: `{"dataset":"Purchase","events":${'['.repeat(1_000)}${']'.repeat(1_000)}}` },
    status: 400,
    words: /body: is nested deeper than 200 levels/,
  },
  {
    title: 'a body of another type',
    rest: { path: '/api/v1/log', text: 'dataset=Purchase', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    status: 415,
    words: /send application\/json and say so in Content-Type/,
  },
  read(
    'an unknown featureset',
    '/features?featureset=Buyr&entity_id=1',
    404,
    /no featureset is called 'Buyr'; did you mean 'Buyer'\?/,
    { featureset: 'Buyr', entity: key('1') },
    'NotFound',
  ),
  {
    title: 'REST 12: a lookup in an unknown dataset',
    rest: { path: '/features?entity_type=Purchases&entity_id=1' },
    status: 404,
    words: /no dataset is called 'Purchases'; did you mean 'Purchase'\?/,
    rpc: { method: 'QueryService/Lookup', request: { dataset: 'Purchases', entity: key('1') }, code: 'NotFound' },
  },
  {
    title: 'neither featureset nor dataset',
    rest: { path: '/features?entity_id=1' },
    status: 400,
    words: /featureset: is missing: send featureset=NAME, or entity_type=DATASET/,
  },
  read('no entity', '/features?featureset=Buyer', 400, /entity(_id)?: is missing: send/, { featureset: 'Buyer' }, 'InvalidArgument'),
  read(
    'REST 8: a text for an int key',
    '/features?featureset=Buyer&entity_id=user_1',
    400,
    /entity_id\.user_id: expected an int, got text "user_1"/,
    { featureset: 'Buyer', entity: key('user_1') },
    'InvalidArgument',
  ),
  read(
    'an empty entity',
    '/features?featureset=Buyer&entity_id=',
    400,
    /entity_id/,
    { featureset: 'Buyer', entity: key('') },
    'InvalidArgument',
  ),
  read(
    'an entity beyond 2^53',
    '/features?featureset=Buyer&entity_id=9007199254740993',
    400,
    /entity_id/,
    { featureset: 'Buyer', entity: { values: [{ intValue: '9007199254740993' }] } },
    'InvalidArgument',
  ),
  {
    title: 'an entity beyond 2^53 as a JSON number',
    rest: { path: '/features', text: '{"featureset":"Buyer","entity_id":9007199254740993}' },
    status: 400,
    words: /entity_id: .*send it as text/,
  },
  read(
    'S3: more than a minute ahead',
    `/features?featureset=Buyer&entity_id=1&timestamp=${at(5 * 60_000)}`,
    400,
    /timestamp: .*more than a minute ahead of the server's clock.*ask for the present or the past/,
    { featureset: 'Buyer', entity: key('1'), timestampUs: String((NOW.getTime() + 300_000) * 1_000) },
    'InvalidArgument',
  ),
  {
    title: 'S1: a timestamp that Python made of null',
    rest: { path: '/features?featureset=Buyer&entity_id=1&timestamp=None' },
    status: 400,
    words: /timestamp: 'None' is no timestamp: send RFC 3339/,
  },
  {
    title: 'S21: a token that is none',
    rest: { path: '/features?featureset=Buyer&entity_id=1&after=yesterday' },
    status: 400,
    words: /after: this is no token/,
    rpc: { method: 'QueryService/Query', request: { featureset: 'Buyer', entity: key('1'), after: 'yesterday' }, code: 'InvalidArgument' },
  },
  {
    title: 'a parameter given twice',
    rest: { path: '/features?featureset=Buyer&entity_id=1&entity_id=2' },
    status: 400,
    words: /entity_id: is given twice/,
  },
  {
    title: 'a missing input',
    rest: { path: '/features', body: { featureset: 'Cart', entity_id: 1 } },
    status: 400,
    words: /inputs\.total: required, but missing/,
    rpc: { method: 'QueryService/Query', request: { featureset: 'Cart', entity: key('1') }, code: 'InvalidArgument' },
  },
  {
    title: 'an input of another type',
    rest: { path: '/features', body: { featureset: 'Cart', entity_id: 1, inputs: { total: 'much' } } },
    status: 400,
    words: /inputs\.total: /,
    rpc: {
      method: 'QueryService/Query',
      request: { featureset: 'Cart', entity: key('1'), inputs: { total: { stringValue: 'much' } } },
      code: 'InvalidArgument',
    },
  },
  {
    title: 'an input that nobody declared',
    rest: { path: '/features', body: { featureset: 'Cart', entity_id: 1, inputs: { total: 1, totl: 2 } } },
    status: 400,
    words: /inputs\.totl: .*/,
  },
  {
    title: 'inputs that hide in __proto__',
    rest: { path: '/features', text: '{"featureset":"Cart","entity_id":1,"inputs":{"__proto__":{"total":1}}}' },
    status: 400,
    words: /inputs\.(total|__proto__): /,
  },
  {
    title: 'entity_ids that are no list',
    rest: { path: '/features/batch', body: { featureset: 'Buyer', entity_ids: 'all' } },
    status: 400,
    words: /entity_ids: must be a list/,
  },
  {
    title: 'one wrong entity of a batch',
    rest: { path: '/features/batch', body: { featureset: 'Buyer', entity_ids: [1, 2, 'x'] } },
    status: 400,
    words: /entities\[2\]\.user_id: expected an int/,
    rpc: {
      method: 'QueryService/QueryBatch',
      request: { featureset: 'Buyer', entities: [key('1'), key('2'), key('x')] },
      code: 'InvalidArgument',
    },
  },
  {
    title: 'REST 4: one row of a training set without a time',
    rest: {
      path: '/features/offline',
      body: {
        featureset: 'Buyer',
        queries: [
          { entity_id: 1, timestamp: '2026-01-01' },
          { entity_id: 1, timestamp: 'None' },
        ],
      },
    },
    status: 400,
    words: /queries\[1\]\.timestamp: 'None' is no timestamp/,
  },
  {
    title: 'a training set of the future',
    rest: { path: '/features/offline', body: { featureset: 'Buyer', queries: [{ entity_id: 1, timestamp: at(300_000) }] } },
    status: 400,
    words: /more than a minute ahead/,
    rpc: {
      method: 'QueryService/QueryOffline',
      request: { featureset: 'Buyer', questions: [{ entity: key('1'), timestampUs: String((NOW.getTime() + 300_000) * 1_000) }] },
      code: 'InvalidArgument',
    },
  },
  {
    title: 'a query run that is none',
    rest: { path: '/query-runs/__proto__' },
    status: 404,
    words: /query run/,
    rpc: { method: 'QueryService/GetQueryRun', request: { id: '__proto__' }, code: 'NotFound' },
  },
  { title: 'a limit of nothing', rest: { path: '/query-runs?limit=0' }, status: 400, words: /limit: '0' is no integer from 1/ },
  { title: 'a path that is none', rest: { path: '/feature' }, status: 404, words: /see \/openapi\.json/ },
  { title: 'REST 9: a trailing slash, without a redirect', rest: { path: '/features/' }, status: 404, words: /see \/openapi\.json/ },
  { title: 'a method that is none', rest: { path: '/features', method: 'DELETE' }, status: 405, words: /understands GET, POST only/ },
  {
    title: 'S26: an erasure of an id that no key can be',
    rest: { path: '/api/v1/erase', body: { dataset: 'Purchase', entity_ids: ['x', { nobody: 1 }] } },
    status: 400,
    words: /entity_ids\[1\]/,
  },
];

function push(title: string, dataset: string, events: string, words: RegExp): BadInput {
  return {
    title,
    rest: { path: '/api/v1/log', text: `{"dataset":"${dataset}","events":${events}}` },
    status: 422,
    words,
    rpc: { method: 'IngestService/Log', request: { dataset, json: base64(events) } },
  };
}

function read(title: string, path: string, status: number, words: RegExp, request: object, code: string): BadInput {
  return { title, rest: { path }, status, words, rpc: { method: 'QueryService/Query', request, code } };
}

function key(stringValue: string): object {
  return { values: [{ stringValue }] };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
