import fc from 'fast-check';

/** Names that are there, nearly there, or mean something to JavaScript. */
export const names = fc.constantFrom(
  'Buyer',
  'Cart',
  'Purchase',
  'UserPurchases',
  'Visit',
  'Byer',
  'user_id',
  'total',
  'count_1d',
  'price',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'a'.repeat(300),
  '\u0000',
  '\u{1F6EB}',
  '\uD800',
  '../../etc/passwd',
  '%00',
  "'; drop table",
);

export const texts = fc.oneof(
  { weight: 3, arbitrary: names },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '1',
    '-1',
    '9007199254740993',
    '1e400',
    'NaN',
    'null',
    'None',
    'true',
    '2026-01-01',
    '2026-13-45T99:99:99Z',
    '1767225600.25',
    '9999-12-31T23:59:59Z',
    '0001-01-01',
  ),
);

export const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2 ** 31, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1e21, 1e308, 5e-324, 0.1, 1_767_225_600, Number.MAX_VALUE),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Any JSON, wide rather than deep. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(texts, numbers, fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(texts, tie('json'), { maxKeys: 4, noNullPrototype: false }),
  ),
})).json;

const userIds = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 100, max: 110 }) },
  { weight: 4, arbitrary: fc.integer({ min: 100, max: 110 }).map(String) },
  texts,
  numbers,
  fc.record({ user_id: anyJson }),
);
const times = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01', 1_767_225_600.5) },
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  texts,
  numbers,
);

/** Good records of users that nobody checks, with a field or two made bad. */
const events = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record(
        { user_id: fc.integer({ min: 100, max: 110 }), item: texts, price: numbers, quantity: fc.option(fc.integer()), paid_at: times },
        { requiredKeys: ['user_id'] },
      ),
    },
    anyJson,
  ),
  { maxLength: 6 },
);

const goodPairs = fc.array(
  fc.record({
    entity_id: fc.integer({ min: 100, max: 110 }),
    timestamp: fc.date({ min: new Date('2001-01-01'), max: new Date('2026-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
  }),
  { maxLength: 5 },
);
/** All of them must be good for an answer. */
const pairs = fc.oneof(
  { weight: 1, arbitrary: goodPairs },
  { weight: 1, arbitrary: fc.array(fc.record({ entity_id: userIds, timestamp: times }, { requiredKeys: [] }), { maxLength: 5 }) },
);

/** A featureset or dataset that is there, for the larger part. */
const declared = fc.oneof({ weight: 2, arbitrary: fc.constantFrom('Buyer', 'Purchase') }, { weight: 1, arbitrary: names });

/** Values for the fields that requests have, by name: near enough to good ones to get far. */
const plausible: ReadonlyMap<string, fc.Arbitrary<unknown>> = new Map<string, fc.Arbitrary<unknown>>([
  ['featureset', declared],
  ['entity_type', declared],
  ['dataset', declared],
  ['entity_id', userIds],
  ['entity_ids', fc.array(userIds, { maxLength: 5 })],
  ['timestamp', times],
  ['known_at', fc.oneof(times, fc.constant('timestamp'))],
  ['queries', pairs],
  ['inputs', fc.dictionary(names, anyJson, { maxKeys: 3, noNullPrototype: false })],
  ['events', events],
  ['producer_id', texts],
  ['sequence', numbers],
  ['historical', fc.boolean()],
  ['limit', fc.oneof(fc.integer().map(String), texts)],
  ['cursor', texts],
  ['which', fc.constantFrom('counted', 'ended', 'later')],
  ['window', fc.constantFrom('1h', '30d')],
]);

export function fieldOf(name: string): fc.Arbitrary<unknown> {
  const known = plausible.get(name);
  return known === undefined ? anyJson : fc.oneof({ weight: 5, arbitrary: known }, { weight: 1, arbitrary: anyJson });
}

/** An object with some of these fields, and now and then one that nobody knows. */
export function objectOf(fields: readonly string[], required: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const known = fc
    .subarray([...fields], { maxLength: Math.min(2, fields.length) })
    .chain((some) => fc.record(Object.fromEntries(some.map((name) => [name, fieldOf(name)]))));
  const needed = fc.record(Object.fromEntries(required.map((name) => [name, fieldOf(name)])));
  const unknown = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.dictionary(texts, anyJson, { maxKeys: 2, noNullPrototype: false }),
  );
  const mostly = fc.oneof({ weight: 5, arbitrary: needed }, { weight: 1, arbitrary: fc.constant({}) });
  return fc.tuple(known, mostly, unknown).map((parts) => Object.assign({}, ...parts) as Record<string, unknown>);
}

/** A JSON tree with one to three places of it deleted, repeated, replaced by another place, or by anything. */
export function mutatedJson(tree: unknown): fc.Arbitrary<unknown> {
  const change = fc.record({
    at: fc.nat(),
    from: fc.nat(),
    how: fc.constantFrom('delete', 'repeat', 'move', 'junk', 'junk'),
    junk: anyJson,
  });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => changes.reduce<unknown>(applyChange, tree));
}

type Change = { readonly at: number; readonly from: number; readonly how: string; readonly junk: unknown };
interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
}

function applyChange(tree: unknown, { at, from, how, junk }: Change): unknown {
  const copy = structuredClone(tree);
  const places = placesOf(copy);
  const [place, other] = [places[at % places.length], places[from % places.length]];
  if (place === undefined || other === undefined) return copy;
  const { holder, key } = place;
  if (how === 'delete') {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else Reflect.deleteProperty(holder, key);
  } else if (how === 'repeat' && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
  else holder[key] = how === 'move' ? structuredClone(other.holder[other.key]) : junk;
  return copy;
}

function placesOf(tree: unknown): readonly Place[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const holder = tree as Record<string | number, unknown>;
  const keys = Array.isArray(tree) ? tree.map((_, i) => i) : Object.keys(tree);
  return keys.flatMap((key) => [{ holder, key }, ...placesOf(holder[key])]);
}
