import { create } from '@bufbuild/protobuf';
import { tableFromIPC } from 'apache-arrow';
import { expect } from 'chai';
import fc from 'fast-check';
import { ValueSchema, type Value } from '../../../gen/thyme/v1/values_pb.js';
import { isAcceptable, preferredType } from '../../../libs/rest/accept.js';
import { ArrowStreamEncoder } from '../../../libs/rest/arrow.js';
import { encodeJson, JsonFloat } from '../../../libs/rest/json-text.js';
import { parseJson, parseObject, scanObject } from '../../../libs/rest/json-scan.js';
import { readParameters } from '../../../libs/rest/query-parameters.js';
import type { Route } from '../../../libs/rest/route.js';
import { Router } from '../../../libs/rest/router.js';
import { jsonToFields, jsonToValue, valueToJson } from '../../../libs/rest/value-json.js';

const value = (kind: Value['kind']): Value => create(ValueSchema, { kind });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('JSON text', () => {
  it('keeps floats floats and integers whole', () => {
    const floats = [5, 0.5, -0, 1e21, 1e-7, Number.NaN, Infinity].map((float) => encodeJson(new JsonFloat(float)));
    expect(floats).to.deep.equal(['5.0', '0.5', '-0.0', '1e+21', '1e-7', 'null', 'null']);
    expect(encodeJson([2n ** 63n, 5, null, true, 'a"\n', new Map([['__proto__', 1]]), { b: [] }])).to.equal(
      '[9223372036854775808,5,null,true,"a\\"\\n",{"__proto__":1},{"b":[]}]',
    );
  });

  it('says values as the contract has them', () => {
    const values: [Value['kind'], string][] = [
      [{ case: undefined }, 'null'],
      [{ case: 'floatValue', value: 5 }, '5.0'],
      [{ case: 'intValue', value: 5n }, '5'],
      [{ case: 'timestampUs', value: -1n }, '"1969-12-31T23:59:59.999999Z"'],
      [{ case: 'dateDays', value: 20_454 }, '"2026-01-01"'],
      [{ case: 'bytesValue', value: bytes('hi') }, '"aGk="'],
      [{ case: 'decimalValue', value: '1.10' }, '"1.10"'],
      [
        {
          case: 'listValue',
          value: { $typeName: 'thyme.v1.ListValue', values: [value({ case: 'floatValue', value: 1 }), value({ case: undefined })] },
        },
        '[1.0,null]',
      ],
    ];
    for (const [kind, text] of values) expect(encodeJson(valueToJson(value(kind)))).to.equal(text);
  });

  it('comes in as values, whatever the names', () => {
    const fields = jsonToFields(JSON.parse('{"__proto__":{"x":1},"n":1.5,"l":[true,null]}') as object, 'inputs');
    expect(Object.getPrototypeOf(fields)).to.equal(Object.prototype);
    expect(Object.keys(fields)).to.deep.equal(['__proto__', 'n', 'l']);
    expect(encodeJson(valueToJson(jsonToValue({ a: [1, 'b', 2.5, false] }, 'x')))).to.equal('{"a":[1,"b",2.5,false]}');
  });
});

describe('the JSON scanner', () => {
  it('finds what JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), fc.integer({ min: 0, max: 2 }), (object, indent) => {
        const members = [...scanObject(bytes(JSON.stringify(object, null, indent)))].map(([name, slice]) => [
          name,
          JSON.parse(new TextDecoder().decode(slice)) as unknown,
        ]);
        expect(members).to.deep.equal(Object.entries(JSON.parse(JSON.stringify(object)) as object));
      }),
    );
  });

  it('parses a whole object as it parses member by member, and refuses the same', () => {
    // Lists: chai sorts the members of maps by their text, and a drawn {"toString": ""} has none.
    const memberByMember = (text: string): [string, unknown][] =>
      [...scanObject(bytes(text))].map(([name, value]) => [name, parseJson(value)]);
    const byName = (members: Iterable<readonly [string, unknown]>) => [...members].sort(([one], [other]) => (one < other ? -1 : 1));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), fc.integer({ min: 0, max: 2 }), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        expect(byName(parseObject(bytes(text)))).to.deep.equal(byName(memberByMember(text)));
      }),
      { examples: [[{ '': { toString: '' }, ' ': null }, 0]] },
    );
    expect([...parseObject(bytes('{"__proto__":1,"\\u0061":[{"__proto__":2}]}')).keys()]).to.deep.equal(['__proto__', 'a']);
    for (const text of [
      '{"a":1,"b":2,"a":3}',
      '{"a":1,"\\u0061":2}',
      '{"a":nul}',
      '{"a":1 2}',
      '{"a":}',
      '{"a\n":1}',
      '{"a":"\u0000"}',
      '{"a":[1}',
    ]) {
      expect(() => parseObject(bytes(text)), text).to.throw(messageOf(() => memberByMember(text)));
    }
    expect(() => parseObject(Buffer.from([...bytes('{"a":"'), 0xff, ...bytes('"}')]))).to.throw('is no JSON');
  });

  it('refuses what is no object, without a deep stack', () => {
    for (const text of [
      '',
      ' ',
      'null',
      '5',
      '"a"',
      '[]',
      '{',
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1}}',
      '{"a":1} x',
      '{,}',
      '{"a":1,}',
      '{"a" 1}',
      '{1:2}',
      '{"a',
      '{"a\\',
    ]) {
      expect(() => scanObject(bytes(text)), text).to.throw('body');
    }
    expect(() => scanObject(bytes(`{"a":${'['.repeat(1e6)}`))).to.throw('nested deeper');
  });
});

describe('content negotiation', () => {
  const offered = ['application/json', 'application/vnd.apache.arrow.stream', 'application/x-ndjson'] as const;
  const cases: [string | undefined, string][] = [
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['text/html', 'application/json'],
    ['application/vnd.apache.arrow.stream, application/json;q=0.9', 'application/vnd.apache.arrow.stream'],
    ['application/json;q=0.5, application/vnd.apache.arrow.stream;q=0.4', 'application/json'],
    ['application/x-ndjson, application/json', 'application/x-ndjson'],
    ['*/*;q=0.1, Application/X-NDJSON ; q=0.2', 'application/x-ndjson'],
    ['application/json;q=0, */*', 'application/vnd.apache.arrow.stream'],
    ['application/*, application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.stream'],
    ['application/vnd.apache.arrow.stream;q=oops, application/json;q=0.1', 'application/json'],
  ];
  for (const [accept, type] of cases)
    it(`gives ${type} for ${accept ?? 'no header'}`, () => expect(preferredType(accept, offered)).to.equal(type));

  it('knows what a client takes nothing of', () => {
    const taken = [undefined, '', ' ', '*/*', 'application/*;q=0.1', 'text/html, */*;q=0.8', 'Application/JSON', 'a, application/x-ndjson'];
    for (const accept of taken) expect(isAcceptable(accept, offered), accept).to.equal(true);
    const refused = ['text/html', 'application/json;q=0', 'text/*', 'application/jso', '*/*;q=0', 'application/problem+json', ',', ';q=1'];
    for (const accept of refused) expect(isAcceptable(accept, offered), accept).to.equal(false);
    expect(isAcceptable('text/plain;version=0.0.4', ['text/plain; charset=utf-8'])).to.equal(true);
    expect(isAcceptable('text/html;q=0, */*', ['text/html'])).to.equal(false);
  });
});

describe('the router', () => {
  const route = (method: 'GET' | 'POST', path: string): Route => ({
    method,
    path,
    scope: 'read',
    summary: '',
    answers: {},
    handle: () => ({ status: 200, headers: {}, body: '' }),
  });
  const router = new Router([route('GET', '/a'), route('GET', '/a/{id}'), route('POST', '/a/{id}/replay'), route('GET', '/a/exact')]);

  it('prefers exact paths and decodes parameters', () => {
    expect(router.find('GET', '/a/exact').route.path).to.equal('/a/exact');
    expect(router.find('HEAD', '/a/x%2Fy').pathParameters.get('id')).to.equal('x/y');
    expect(router.find('POST', '/a/__proto__/replay').pathParameters.get('id')).to.equal('__proto__');
    for (const path of ['/a/', '/a/b/c', '/A', '']) expect(() => router.find('GET', path), path).to.throw('there is nothing');
    expect(() => router.find('DELETE', '/a')).to.throw('understands GET only');
    expect(() => router.find('GET', '/a/%ff')).to.throw('percent-encoded');
  });
});

describe('query parameters', () => {
  const parameters = ['a', 'b', 'c'].map((name) => ({ name, description: '' }));

  it('are those that URLSearchParams reads, whatever they are written with', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '=', '&', '%41', '%', '+', '.', 'é', ' ', '-') });
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join('&');
        const wanted = [...new URLSearchParams(text)];
        const names = wanted.map(([name]) => name);
        const isRight = new Set(names).size === names.length && names.every((name) => ['a', 'b', 'c'].includes(name));
        if (isRight) expect([...readParameters(text, parameters)]).to.deep.equal(wanted);
        else expect(() => readParameters(text, parameters)).to.throw();
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be a family, by field', () => {
    const family = [{ name: 'entity', description: '', isFamily: true }];
    expect([...readParameters('entity.user=u&entity.day=1', family)]).to.deep.equal([
      ['entity.user', 'u'],
      ['entity.day', '1'],
    ]);
    expect(() => readParameters('entity=u', family)).to.throw('entity.<field>');
  });
});

describe('Arrow streams', () => {
  it('hold every type, and their schema does not depend on rows', () => {
    const kinds = ['string', 'int', 'float', 'bool', 'timestamp', 'date', 'bytes', 'decimal'] as const;
    const columns = [
      ...kinds.map((kind) => ({ name: kind, type: { kind, optional: true } as const })),
      { name: 'list', type: { kind: 'list', of: { kind: 'float', optional: false }, optional: false } as const },
    ];
    const full = [
      value({ case: 'stringValue', value: 'ünicode 🌿' }),
      value({ case: 'intValue', value: -(2n ** 53n) + 1n }),
      value({ case: 'floatValue', value: 0.1 }),
      value({ case: 'boolValue', value: false }),
      value({ case: 'timestampUs', value: 1_767_225_600_123_457n }),
      value({ case: 'dateDays', value: 20_454 }),
      value({ case: 'bytesValue', value: new Uint8Array([0, 255]) }),
      value({ case: 'decimalValue', value: '1.10' }),
      value({ case: 'listValue', value: { $typeName: 'thyme.v1.ListValue', values: [value({ case: 'floatValue', value: 1 })] } }),
    ];
    const encoder = new ArrowStreamEncoder(columns);
    const rows = Array.from({ length: 70 }, (_, i) => (i % 2 === 0 ? full : []));
    const table = tableFromIPC(
      Buffer.concat([encoder.start(), encoder.batch(rows), encoder.batch([]), encoder.batch(rows.slice(0, 1)), encoder.end()]),
    );
    expect(table.schema.fields.map(({ type }) => String(type))).to.deep.equal([
      'Utf8',
      'Int64',
      'Float64',
      'Bool',
      'Timestamp<MICROSECOND, UTC>',
      'Date32<DAY>',
      'Binary',
      'Utf8',
      'Utf8',
    ]);
    expect(table.numRows).to.equal(71);
    for (const [i, column] of columns.entries()) expect(table.getChildAt(i)?.nullCount, column.name).to.equal(35);
    expect(table.get(68)?.toJSON()).to.deep.include({
      string: 'ünicode 🌿',
      int: -(2n ** 53n) + 1n,
      float: 0.1,
      bool: false,
      bytes: new Uint8Array([0, 255]),
      decimal: '1.10',
      list: '[1.0]',
    });
    expect(table.getChild('timestamp')?.data[0]?.values[68]).to.equal(1_767_225_600_123_457n);
    const empty = new ArrowStreamEncoder(columns);
    expect(tableFromIPC(Buffer.concat([empty.start(), empty.end()])).schema.toString()).to.equal(table.schema.toString());
  });

  it('refuse a value of another type than declared', () => {
    const encoder = new ArrowStreamEncoder([{ name: 'count', type: { kind: 'int', optional: false } }]);
    encoder.start();
    expect(() => encoder.batch([[value({ case: 'stringValue', value: 'x' })]])).to.throw('column count is declared as t.int');
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it did not fail');
}
