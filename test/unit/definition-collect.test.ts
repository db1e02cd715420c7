import { expect as expectThat } from 'chai';
import { checkDefinitions, readDefinitions } from '../../libs/definition/check.js';
import { collectDefinitions, datasetNameOf } from '../../libs/definition/collect.js';
import { outputFields } from '../../libs/definition/step-schema.js';
import { postgres } from '../../libs/definition/sources.js';
import {
  col,
  Count,
  dataset,
  Decimal,
  field,
  key,
  lit,
  Max,
  pipeline,
  secret,
  source,
  Sum,
  t,
  timestamp,
  type Stream,
} from '../../libs/definition/thyme.js';
import { describeType } from '../../libs/schema/value-type.js';
import { ThymeError } from '../../libs/errors/errors.js';
import * as example from '../types/example.js';

const HOUR_US = 3_600e6;

describe('collectDefinitions', () => {
  const { definitions, functions, problems } = collectDefinitions(example);
  const pipelineOf = (output: string) => definitions.pipelines.find((one) => one.output === output);

  it('collects the example, which has no problems', () => {
    expectThat([...problems, ...checkDefinitions(definitions)]).to.deep.equal([]);
    expectThat(definitions.datasets.map(({ name }) => name)).to.have.members(['Order', 'UserOrderStats', 'User', 'Many', 'CountryStats']);
    expectThat(definitions.featuresets.map(({ name }) => name)).to.deep.equal(['FraudSignals']);
  });

  it('collects a dataset as plain data', () => {
    const order = definitions.datasets.find(({ name }) => name === 'Order');
    expectThat(order).to.deep.include({
      version: 1,
      keys: ['user_id'],
      timestamp: 'ordered_at',
      index: false,
      publish: false,
      maxFutureUs: 600e6,
      owner: 'risk@example.com',
    });
    expectThat(order?.fields.map(({ name, type }) => `${name}: ${describeType(type)}`)).to.deep.equal([
      'user_id: t.string',
      'order_id: t.string',
      'amount: t.float',
      "status: t.enum('paid', 'open')",
      'ordered_at: t.timestamp',
    ]);
    expectThat(order?.expectations).to.deep.equal([
      { kind: 'between', field: 'amount', min: 0.01, max: 50_000, mostly: 0.99 },
      { kind: 'notNull', field: 'order_id', mostly: 1 },
    ]);
  });

  it('keeps secrets as references', () => {
    expectThat(definitions.sources.find((one) => one.dataset === 'Order')).to.deep.equal({
      dataset: 'Order',
      connector: 'postgres',
      config: { table: 'orders', password: { secret: 'env:PG_PASSWORD' } },
      cursor: 'ordered_at',
      everyUs: 5e6,
      maxLatenessUs: HOUR_US,
      cdc: 'append',
    });
  });

  it('records a pipeline, giving constants the type of their column', () => {
    expectThat(pipelineOf('UserOrderStats')).to.deep.include({ name: 'UserOrderStats.stats', inputs: ['Order'] });
    expectThat(pipelineOf('UserOrderStats')?.steps).to.deep.equal([
      {
        kind: 'filter',
        where: {
          kind: 'comparison',
          operator: 'gt',
          left: { kind: 'column', name: 'amount' },
          right: { kind: 'literal', value: { type: 'float', value: 0 } },
        },
      },
    ]);
    expectThat(pipelineOf('UserOrderStats')?.aggregate?.aggregations[0]).to.deep.equal({
      field: 'order_count_1h',
      operator: 'count',
      windowUs: HOUR_US,
    });
  });

  it('names functions by class and method', () => {
    expectThat([...functions.keys()]).to.have.members(['CountryStats.stats#1', 'FraudSignals.suspicious', 'FraudSignals.ratio']);
    expectThat(functions.get('CountryStats.stats#1')?.({ country: null })).to.deep.equal({ country: '??' });
  });

  it('gives the columns before and after each step', () => {
    const pipelineDefinition = pipelineOf('CountryStats');
    if (pipelineDefinition === undefined) throw new Error('no pipeline');
    const schemas = outputFields(pipelineDefinition, new Map(definitions.datasets.map((one) => [one.name, one])));
    expectThat(schemas.map((fields) => fields.map(({ name }) => name))).to.deep.equal([
      ['user_id', 'order_id', 'amount', 'status', 'ordered_at'],
      ['user_id', 'order_id', 'amount', 'status', 'ordered_at', 'country', 'age', 'created_at'],
      ['user_id', 'order_id', 'amount', 'status', 'ordered_at', 'country', 'age', 'created_at'],
      ['user_id', 'order_id', 'amount', 'status', 'ordered_at', 'country', 'age', 'created_at', 'double'],
      ['user_id', 'order_id', 'amount', 'status', 'ordered_at', 'country', 'age', 'created_at', 'double'],
    ]);
    expectThat(schemas[1]?.map(({ type }) => describeType(type)).slice(5)).to.deep.equal([
      't.string.optional',
      't.int.optional',
      't.timestamp.optional',
    ]);
    expectThat(schemas[4]?.map(({ type }) => describeType(type)).slice(5, 6)).to.deep.equal(['t.string']);
  });

  it('finds classes that are referred to, but not exported', () => {
    const { definitions: reached } = collectDefinitions([example.FraudSignals]);
    expectThat(reached.datasets.map(({ name }) => name)).to.have.members(['UserOrderStats', 'User', 'Order']);
  });

  it("converts defaults to the engine's values", () => {
    const features = definitions.featuresets[0]?.features ?? [];
    expectThat(features.find(({ name }) => name === 'country')).to.deep.equal({
      name: 'country',
      id: 7,
      type: { kind: 'string', optional: false },
      input: false,
      ref: { dataset: 'User', field: 'country' },
      default: '??',
    });
    expectThat(features.find(({ name }) => name === 'cart_total')?.input).to.equal(true);
  });

  it("knows the name of a dataset's class, and refuses others", () => {
    expectThat(datasetNameOf(example.Order)).to.equal('Order');
    expectThat(() => datasetNameOf(example.FraudSignals)).to.throw(/FraudSignals is no dataset/);
    expectThat(() => datasetNameOf(class Nothing {})).to.throw(/Nothing is no dataset/);
  });
});

@dataset({ version: 1 })
class Trip {
  @key(t.string) origin!: string;
  @key(t.string) destination!: string;
  @field(t.int) seats!: number;
  @field(t.date) day!: string;
  @field(t.decimal) price!: Decimal;
  @field(t.string) payload!: string;
  @field(t.float.optional) rating!: number | null;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
class RouteStats {
  @key(t.string) origin!: string;
  @key(t.string) destination!: string;
  @field(t.int) seats!: number;
  @field(t.float.optional) best!: number | null;
  @field(t.int) mobile!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Trip] })
  static routes(trips: Stream<Trip>) {
    return trips
      .filter((trip) =>
        trip.day
          .gte('2024-02-29')
          .and(trip.price.gt(new Decimal('1.50')))
          .and(trip.at.gt(new Date(0)))
          .or(trip.rating.isNull().not()),
      )
      .assign((trip) => ({
        score: trip.rating.fillNull(1).mul(2).div(trip.seats).fillNull(0),
        os: trip.payload.jsonExtract('device.os', t.string),
        one: lit(1, t.float),
      }))
      .filter(col('score').lt(col('one').add(5)))
      .groupBy('destination', 'origin')
      .aggregate({
        seats: Sum({ of: 'seats' }),
        best: Max({ of: 'score', window: '2w' }),
        mobile: Count({ where: col('os').ne('linux') }),
      });
  }
}

describe('expressions of the face', () => {
  it('are recorded with types that check', () => {
    const { definitions } = readDefinitions({ RouteStats });
    const [routes] = definitions.pipelines;
    expectThat(routes?.aggregate?.groupBy).to.deep.equal(['origin', 'destination'], 'in the order of the key');
    const text = JSON.stringify(routes?.steps);
    expectThat(text)
      .to.include('{"type":"date","value":19782}')
      .and.include('{"type":"decimal","value":"1.5"}')
      .and.include('{"type":"timestamp","value":0}');
    expectThat(text).to.include('"path":["device","os"],"as":"string"').and.include('{"type":"float","value":1}');
  });

  it("refuse JavaScript's operators and null", () => {
    expectThat(() => Number(col('amount'))).to.throw(/o\.amount\.gt\(0\)/);
    // @ts-expect-error null is no constant
    expectThat(() => col('amount').eq(null)).to.throw(/isNull/);
    // @ts-expect-error nor is an object
    expectThat(() => col('amount').eq({})).to.throw(/not an object/);
  });
});

describe('readDefinitions', () => {
  it('throws all problems at once, each with place and fix', () => {
    @source(postgres({ table: 'x', password: secret.file('/run/pw') }), { cursor: 'at', every: '0s', cdc: 'append' })
    @dataset({ version: 0 })
    class Bad {
      @key(t.float) id!: number;
      @timestamp() at!: Date;
    }
    try {
      readDefinitions({ Bad });
      expectThat.fail('it should throw');
    } catch (error) {
      if (!(error instanceof ThymeError)) throw error;
      expectThat(error.code).to.equal('THYME_DEFINITIONS_INVALID');
      expectThat(error.violations.map(({ field: place }) => place)).to.deep.equal(['Bad', 'Bad.id', 'Bad']);
      expectThat(error.message).to.include('Bad.id: a key cannot be t.float; use t.string');
    }
  });
});
