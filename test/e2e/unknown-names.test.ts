// A name that no route knows is refused on every route, with the nearest that is: it would silently be a question of something else.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly explode?: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly schema: { readonly properties?: object; readonly additionalProperties?: unknown } }>
    >;
  };
}

describe('names that no route knows', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let operations: readonly (readonly [string, string, Operation])[];

  before(async () => {
    platform = await startEmbeddedPlatform();
    await commitFile('test/support/training-features.ts', platform.context);
    const { paths } = jsonOf(await request(`${platform.url}/openapi.json`)) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path.replace(/\{\w+\}/, 'run'), operation] as const),
    );
  });
  after(() => platform.stop());

  const send = (method: string, path: string, body?: string) =>
    request(`${platform.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${platform.adminKey}` },
      ...(method === 'GET' || body === undefined ? {} : { body }),
    });

  it('are refused as parameters of every route, POST ones too, with the nearest', async () => {
    expect(operations.length).to.be.greaterThan(15);
    for (const [method, path, { parameters }] of operations) {
      for (const name of ['zzzzzzzzzzzz', '__proto__', '']) {
        const { detail } = jsonOf(await send(method, `${path}?${name}=1`, '{}'), 400);
        expect(detail, `${method} ${path}`).to.match(new RegExp(`^${name}: there is no such parameter; (known are|none is taken)`));
      }
      for (const { name } of parameters.filter((one) => one.in === 'query' && one.explode !== true)) {
        const misspelt = `${name.slice(0, -2)}${name.at(-1) ?? ''}${name.at(-2) ?? ''}`;
        const { detail } = jsonOf(await send(method, `${path}?${misspelt}=1`, '{}'), 400);
        expect(detail, `${method} ${path}`).to.equal(`${misspelt}: there is no such parameter; did you mean '${name}'?`);
      }
    }
  });

  it('are refused as members of every JSON body, with the nearest', async () => {
    for (const [method, path, { requestBody }] of operations) {
      const schema = requestBody?.content['application/json']?.schema;
      if (schema === undefined || schema.additionalProperties === true) continue; // gRPC's own JSON, which refuses them itself
      expect(schema.additionalProperties, path).to.equal(false);
      for (const name of ['zzzzzzzzzzzz', '__proto__', 'constructor'])
        expect(jsonOf(await send(method, path, `{"${name}":1}`), 400).detail, path).to.match(
          new RegExp(`^${name}: there is no such member`),
        );
      for (const name of Object.keys(schema.properties ?? {})) {
        const misspelt = `${name}x`;
        const { detail } = jsonOf(await send(method, path, JSON.stringify({ [misspelt]: 1 })), 400);
        expect(detail, path).to.equal(`${misspelt}: there is no such member; did you mean '${name}'?`);
      }
    }
  });

  it('are refused in what stands inside: questions, keys and inputs', async () => {
    const offline = (query: object) =>
      post(`${platform.url}/features/offline`, {
        featureset: 'Quote',
        queries: [{ entity_id: 'a', timestamp: 0, inputs: { surge: 1 } }, query],
      });
    const cases: readonly (readonly [ReturnType<typeof post>, RegExp])[] = [
      [offline({ entity_id: 'a', timestmap: 0 }), /^queries\[1\]\.timestmap: there is no such member; did you mean 'timestamp'\?$/],
      [offline({ entityid: 'a', timestamp: 0 }), /^queries\[1\]\.entityid: .*did you mean 'entity_id'\?$/],
      [offline({ entity_id: 'a', timestamp: 0, input: {} }), /^queries\[1\]\.input: .*did you mean 'inputs'\?$/],
      [offline({ entity_id: 'a', timestamp: 0, inputs: { surge: 1, surg: 1 } }), /^queries\[1\]\.inputs\.surg: .*did you mean 'surge'\?$/],
      [offline({ entity_id: { ridr: 'a' }, timestamp: 0 }), /^queries\[1\]\.entity_id: .*rider/],
      [
        request(`${platform.url}/features?featureset=Leg&entity.origin=A&entity.numbr=1`),
        /^entity: the key has the fields origin, number; missing: number/,
      ],
      [request(`${platform.url}/features?featureset=Leg&entity.origin=A&entity.number=1&entity.numbr=1`), /^entity: .*unknown: numbr/],
      [request(`${platform.url}/features?featureset=Leg&entityorigin=A`), /^entityorigin: there is no such parameter/],
      [request(`${platform.url}/features?featureset=Quote&entity_id=a&timestmap=0`), /^timestmap: .*did you mean 'timestamp'\?$/],
      [request(`${platform.url}/features?featureset=Quote&entity_id=a&inputs=1`), /^inputs: there is no such parameter/],
      [request(`${platform.url}/features?featureset=Quote&timestamp=0&timestamp=1`), /^timestamp: is given twice$/],
    ];
    for (const [asked, expected] of cases) expect(jsonOf(await asked, 400).detail).to.match(expected);
  });
});
