// The definition compiler: mutated Definitions messages against a server, mutated modules against what `thyme commit` runs.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromJson, toJson, type JsonValue } from '@bufbuild/protobuf';
import { expect } from 'chai';
import fc from 'fast-check';
import { DefinitionsSchema, type Definitions } from '../../gen/thyme/v1/definitions_pb.js';
import { CommitRequestSchema, PlanRequestSchema, RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule, type Bundle } from '../../libs/definition/load-module.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { definitionsToProto } from '../../libs/wire/definitions.js';
import { post, request } from '../support/http.js';
import { Processes } from '../support/processes.js';
import { mutatedJson } from './arbitraries.js';
import { fuzz, FUZZ_RUNS, FUZZ_SEED, FuzzTarget, samplesOf, SLOW_RUNS, type Outcome } from './fuzz-target.js';
import { messageOf } from './message-arbitrary.js';
import { RpcCaller } from './rpc-caller.js';
import { countInputs } from './tally.js';

const MODULES = ['test/support/shop-features.ts', 'infra/examples/fraud.ts', 'infra/examples/flights.ts'];
const { plan, commit } = RegistryService.method;
const [PLAN, COMMIT] = [plan, commit].map(({ name }) => `mutated definitions: ${name}`) as [string, string];

describe('fuzzed definitions', function () {
  this.timeout(Math.max(600_000, FUZZ_RUNS * 1_000));
  const processes = new Processes();
  const target = new FuzzTarget();
  const modules: { readonly definitions: Definitions; readonly bundle: Bundle }[] = [];
  let caller: RpcCaller;

  before(async () => {
    await target.start();
    caller = new RpcCaller(target.thyme.grpcTarget, target.internalKey);
    for (const path of MODULES) {
      const bundle = await bundleModule(path);
      modules.push({ bundle, definitions: definitionsToProto(readDefinitions(evaluateBundle(bundle.code)).definitions) });
    }
  });
  after(async () => {
    caller.close();
    await target.end();
    await processes.end();
  });

  /** Valid ones with a few changes that protobuf still reads. */
  function mutants(): fc.Arbitrary<{ readonly definitions: Definitions; readonly bundle: Bundle }> {
    return fc
      .constantFrom(...modules)
      .chain(({ definitions, bundle }) =>
        mutatedJson(toJson(DefinitionsSchema, definitions)).map((json) => ({ definitions: parsed(json) ?? definitions, bundle })),
      );
  }

  it('plans mutated definitions, and any at all, without a fault of its own', async () => {
    const counts = await fuzz({ target: PLAN, kind: 'structured', runs: SLOW_RUNS }, mutants(), ({ definitions, bundle }) =>
      caller.send(plan, [create(PlanRequestSchema, { definitions, bundle })]),
    );
    expect(counts.get('OK'), JSON.stringify([...counts])).to.be.above(0);
    await fuzz({ target: PLAN, kind: 'structured', runs: SLOW_RUNS }, messageOf(PlanRequestSchema), (message) =>
      caller.send(plan, [message]),
    );
    await target.expectUnharmed();
  });

  it('S19: commits mutated definitions or refuses them; what it took, every service can run', async () => {
    let committed = 0;
    const send = async (message: { readonly definitions: Definitions; readonly bundle: Bundle }): Promise<Outcome> => {
      const outcome = await caller.send(commit, [create(CommitRequestSchema, message)]);
      if (outcome.status !== 'OK') return outcome;
      committed++;
      return (await faultIn(message.definitions)) ?? outcome;
    };
    await fuzz({ target: COMMIT, kind: 'structured', runs: SLOW_RUNS }, mutants(), send);
    expect(committed).to.be.above(0);
    expect(target.thyme.isRunning, target.thyme.stderr()).to.be.true;
    expect(target.thyme.stderr()).to.equal('');
    expect((await request(`${target.url}/health`)).text).to.equal('{"status":"ok"}');
  });

  /** A read of each featureset, and a push of each dataset: whatever is answered, it must not be a fault. */
  async function faultIn({ featuresets, datasets }: Definitions): Promise<Outcome | undefined> {
    const asked = [
      ...featuresets.map(({ name }) => ['/features/batch', { featureset: name, entity_ids: [] }] as const),
      ...datasets.map(({ name }) => ['/api/v1/log', { dataset: name, events: [{}] }] as const),
    ];
    for (const [path, body] of asked) {
      const { status, text } = await post(target.url + path, body);
      if (status >= 500 && status !== 503) return { input: { path, body }, status: String(status), text };
    }
    return undefined;
  }

  it('refuses mutated modules by a ThymeError with a place, or compiles them', async () => {
    const folder = processes.subfolder('modules');
    let compiled = 0;
    const texts = fc.constantFrom(...MODULES).chain((path) => mutatedText(readFileSync(path, 'utf8')));
    let refused = 0;
    for (const text of samplesOf(texts, SLOW_RUNS)) {
      const file = join(folder, `m${compiled + refused}.ts`);
      writeFileSync(file, text);
      try {
        const bundle = await bundleModule(file);
        readDefinitions(evaluateBundle(bundle.code, file));
        compiled++;
      } catch (error) {
        if (!(error instanceof ThymeError) || error.status === 'INTERNAL')
          throw new Error(`seed ${FUZZ_SEED}, ${file}:\n${text}`, { cause: error });
        expect(error.violations.length, error.message).to.be.above(0);
        expect(error.message).to.not.match(/\n\s+at /);
        refused++;
      }
    }
    countInputs(
      'modules',
      'raw',
      new Map([
        ['compiled', compiled],
        ['refused', refused],
      ]),
    );
    expect(compiled).to.be.above(0);
  });
});

function parsed(json: unknown): Definitions | undefined {
  try {
    return fromJson(DefinitionsSchema, json as JsonValue);
  } catch {
    return undefined; // protobuf's own parser refuses it
  }
}

/** One or two words of a module deleted, doubled, or put in another's place. */
function mutatedText(source: string): fc.Arbitrary<string> {
  const change = fc.record({ at: fc.nat(), from: fc.nat(), how: fc.constantFrom('delete', 'double', 'replace', 'replace') });
  return fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) =>
    changes.reduce((text, { at, from, how }) => {
      const words = text.split(/(\b|(?=[^\w\s])|\s+)/);
      const [i, j] = [at % words.length, from % words.length];
      words[i] = how === 'delete' ? '' : how === 'double' ? `${words[i] ?? ''}${words[i] ?? ''}` : (words[j] ?? '');
      return words.join('');
    }, source),
  );
}
