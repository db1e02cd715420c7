// Commits that no `thyme commit` would send: clients of their own meet the server's checks, over REST and over gRPC.
import { clone, create, fromJson, toJson, type JsonValue } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { DefinitionsSchema, ExtractorDefinitionSchema, type Definitions } from '../../gen/thyme/v1/definitions_pb.js';
import { CommitRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule, type Bundle } from '../../libs/definition/load-module.js';
import { definitionsToProto } from '../../libs/wire/definitions.js';
import { grpcTool, RpcFailure } from '../support/grpc-tool.js';
import { jsonOf, post, request, type HttpAnswer } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const SHOP = 'test/support/shop-features.ts';

interface BadCommit {
  readonly title: string;
  readonly spoil: (definitions: Definitions) => void;
  readonly words: RegExp;
  /** The codes of REST and of gRPC. */
  readonly codes: readonly [number, string];
}

const INVALID = [400, 'InvalidArgument'] as const;
const BREAKING = [409, 'FailedPrecondition'] as const;

const BAD: readonly BadCommit[] = [
  {
    title: 'features that need each other',
    codes: INVALID,
    words: /Cart\.(ratio|spend_1d): it needs itself: .*take one of these inputs away/,
    spoil({ featuresets }) {
      const cart = named(featuresets, 'Cart');
      delete named(cart.features, 'spend_1d').ref;
      cart.extractors.push(
        create(ExtractorDefinitionSchema, {
          name: 'back',
          inputs: ['ratio'],
          outputs: ['spend_1d'],
          function: cart.extractors[0]?.function ?? '',
        }),
      );
    },
  },
  {
    title: 'two extractors for one feature',
    codes: INVALID,
    words: /Buyer\.is_new: .*isNew/,
    spoil({ featuresets }) {
      const { extractors } = named(featuresets, 'Buyer');
      for (const extractor of [...extractors]) extractors.push({ ...extractor, name: 'again' });
    },
  },
  {
    title: 'an aggregate that does not fit its field',
    codes: INVALID,
    words: /UserPurchases\.count_1d: /,
    spoil: ({ datasets }) => retype(datasets, 'UserPurchases', 'count_1d'),
  },
  {
    title: 'a ref to what is no field',
    codes: INVALID,
    words: /Buyer\.item: .*Purchase\.itm.*'item'/,
    spoil: ({ featuresets }) => {
      const { ref } = named(named(featuresets, 'Buyer').features, 'item');
      if (ref !== undefined) ref.member = 'itm';
    },
  },
  {
    title: 'an id that two features have',
    codes: INVALID,
    words: /Buyer\.\w+: .*id 3/,
    spoil: ({ featuresets }) => {
      named(named(featuresets, 'Buyer').features, 'item').id = 3;
    },
  },
  {
    title: 'S19: another type under the same version',
    codes: BREAKING,
    words: /Purchase\.note: its type was .* and is .*: raise the version of Purchase/,
    spoil: ({ datasets }) => retype(datasets, 'Purchase', 'note'),
  },
  {
    title: 'S19: another window under the same version',
    codes: BREAKING,
    words: /UserPurchases\.count_1d: window of an aggregation changed: raise the version of UserPurchases\.purchases/,
    spoil: ({ pipelines }) => {
      for (const aggregation of pipelines[0]?.aggregate?.aggregations ?? [])
        if (aggregation.field === 'count_1d') aggregation.windowUs = 1n;
    },
  },
];

describe('commits that are wrong, from other clients', function () {
  this.timeout(120_000);
  const processes = new Processes();
  const tool = grpcTool();
  let thyme: ThymeProcess;
  let good: Definitions;
  let bundle: Bundle;

  before(async () => {
    thyme = await processes.serve(processes.subfolder('data'));
    bundle = await bundleModule(SHOP);
    good = definitionsToProto(readDefinitions(evaluateBundle(bundle.code)).definitions);
    const { revision } = jsonOf(await commit(good));
    expect(revision).to.equal(1);
  });
  after(() => processes.end());

  function commit(definitions: Definitions): Promise<HttpAnswer> {
    return post(`${thyme.restUrl}/api/v1/commit`, commitOf(definitions), { authorization: `Bearer ${thyme.adminKey}` });
  }

  function commitOf(definitions: Definitions): JsonValue {
    return toJson(CommitRequestSchema, create(CommitRequestSchema, { definitions, bundle }));
  }

  for (const {
    title,
    spoil,
    words,
    codes: [httpStatus, grpcCode],
  } of BAD) {
    it(`are refused with place and fix: ${title}`, async () => {
      const definitions = clone(DefinitionsSchema, good);
      spoil(definitions);
      const problem = jsonOf(await commit(definitions), httpStatus);
      expect(problem.detail).to.match(words);
      expect(problem.violations).to.have.length.above(0);
      const failure: unknown = await tool
        .call(thyme.grpcTarget, 'thyme.v1.RegistryService/Commit', commitOf(definitions), thyme.adminKey)
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      expect(failure instanceof RpcFailure ? failure.code : failure).to.equal(grpcCode);
      expect((failure as RpcFailure).message.replaceAll('\\n', '\n')).to.match(words);
      await expectUntouched();
    });
  }

  it('are refused whole: what is new beside the fault is not there either', async () => {
    const definitions = fromJson(DefinitionsSchema, toJson(DefinitionsSchema, good));
    definitions.datasets.push({ ...named(definitions.datasets, 'Visit'), name: 'Another' });
    retype(definitions.datasets, 'Purchase', 'note');
    expect((await commit(definitions)).status).to.equal(409);
    expect((await post(`${thyme.restUrl}/api/v1/log`, { dataset: 'Another', events: [] })).status).to.equal(404);
    await expectUntouched();
  });

  async function expectUntouched(): Promise<void> {
    const { latest_commit: latest, featuresets } = jsonOf(await request(`${thyme.restUrl}/api/v1/status`));
    expect(latest).to.include({ id: '1' });
    expect(
      (featuresets as readonly { readonly name: string; readonly feature_count: number }[]).map(
        ({ name, feature_count: count }) => `${name} ${count}`,
      ),
    ).to.deep.equal(['Buyer 7', 'Cart 4']);
    expect(thyme.stderr()).to.not.match(/"level":"error"/);
  }
});

function named<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Gives the field the type of its dataset's timestamp. */
function retype(datasets: Definitions['datasets'], name: string, field: string): void {
  const dataset = named(datasets, name);
  const { type } = named(dataset.fields, dataset.timestamp);
  if (type !== undefined) named(dataset.fields, field).type = type;
}
