import { expect as expectThat } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import { collectDefinitions } from '../../libs/definition/collect.js';
import {
  col,
  Count,
  dataset,
  extractor,
  feature,
  featureset,
  field,
  key,
  pipeline,
  t,
  timestamp,
  type ExtractorContext,
  type Stream,
} from '../../libs/definition/thyme.js';

// What only the classes themselves show: problems of members and of methods.

/** Every problem of the classes, as `place: message`. */
function problemsOf(...classes: readonly unknown[]): readonly string[] {
  const { definitions, problems } = collectDefinitions(classes);
  return [...problems, ...checkDefinitions(definitions)].map(({ place, message }) => `${place}: ${message}`);
}

@dataset({ version: 1 })
class Order {
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @field(t.bool) vip!: boolean;
  @timestamp() at!: Date;
}

@dataset({ version: 1 })
class Undecorated {
  @key(t.string) id!: string;
  forgotten!: string;
  @timestamp() at!: Date;
  @timestamp() at2!: Date;
}

class Bare {
  @key(t.string) id!: string;
}

@dataset({ version: 1 })
class Mixed {
  @key(t.string) id!: string;
  @feature(t.int, { id: 1 }) n!: number;
  @timestamp() at!: Date;
}

@featureset({ entity: 'id' })
class Fielded {
  @feature(t.string, { id: 1 }) id!: string;
  @field(t.int) n!: number;
}

@dataset({ version: 1 })
class Throwing {
  @key(t.string) id!: string;
  @timestamp() at!: Date;
  constructor() {
    throw new Error('no');
  }
}

@dataset({ version: 1 })
class Ampersand {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order] })
  static counted(orders: Stream<Order>) {
    return orders
      .filter((o) => o.amount.gt(0) && o.vip.eq(true))
      .groupBy('user_id')
      .aggregate({ n: Count() });
  }
}

@dataset({ version: 1 })
class Alone {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order] })
  static counted(orders: Stream<Order>) {
    col('amount').gt(1);
    return orders.groupBy('user_id').aggregate({ n: Count() });
  }
}

@dataset({ version: 1 })
class Failing {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order] })
  static counted(orders: Stream<Order>) {
    // @ts-expect-error JavaScript's operator on an expression
    const some = orders.filter((o) => o.amount > 0);
    return some.groupBy('user_id').aggregate({ n: Count() });
  }
}

@dataset({ version: 1 })
class Unused {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order, Undecorated] })
  static counted(orders: Stream<Order>, _other: Stream<Undecorated>) {
    return orders.groupBy('user_id').aggregate({ n: Count() });
  }
}

@featureset({ entity: 'id' })
class BadDefault {
  @feature(t.string, { id: 1 }) id!: string;
  @feature(t.int, { id: 2, default: 1.5 }) n!: number;
  @extractor({ inputs: ['id'], outputs: ['n'] })
  static n(_: ExtractorContext, { id }: Pick<BadDefault, 'id'>) {
    return { n: id.length };
  }
}

describe('collectDefinitions: problems of classes', () => {
  const cases: readonly [title: string, classes: readonly unknown[], ...expected: readonly string[]][] = [
    [
      'an undecorated field',
      [Undecorated],
      'Undecorated.forgotten: this field has no decorator',
      "Undecorated.at2: a second @timestamp beside 'at'",
    ],
    ['a class without its decorator', [Bare], 'Bare: its members are decorated, but the class is not'],
    ['a feature in a dataset', [Mixed], 'Mixed.n: features and extractors have no place in a dataset'],
    ['a field in a featureset', [Fielded], 'Fielded.n: fields, pipelines and expectations have no place in a featureset'],
    ['a constructor that throws', [Throwing], 'Throwing: its constructor throws: Error: no'],
    ['a && b', [Ampersand], 'Ampersand.counted: the expression amount.gt(0) is made, but used nowhere'],
    ['a predicate alone', [Alone], 'Alone.counted: the expression amount.gt(1) is made, but used nowhere'],
    ['a method that throws', [Failing], 'Failing.counted: it cannot be read: an expression is no value'],
    ['an unused input', [Unused], "Unused.counted: its input 'Undecorated' is not used"],
    ['a default that does not fit', [BadDefault], 'BadDefault.n: the default'],
  ];
  for (const [title, classes, ...expected] of cases) {
    it(title, () => {
      const found = problemsOf(...classes);
      for (const one of expected)
        expectThat(
          found.filter((problem) => problem.startsWith(one)),
          `${one}\nin ${found.join('\n')}`,
        ).to.have.lengthOf(1);
    });
  }

  it('inherits the fields of a decorated class', () => {
    class Base {
      @key(t.string) id!: string;
      @timestamp() at!: Date;
    }
    @dataset({ version: 1 })
    class Derived extends Base {
      @field(t.int) n!: number;
    }
    expectThat(problemsOf(Derived)).to.deep.equal([]);
    expectThat(collectDefinitions([Derived]).definitions.datasets[0]?.fields.map(({ name }) => name)).to.deep.equal(['id', 'at', 'n']);
  });

  it('says what is wrong when decorators are not the standard ones', () => {
    const decorate = dataset({ version: 1 }) as unknown as (value: unknown, context: unknown) => void;
    expectThat(() => decorate(class {}, undefined)).to.throw(/experimentalDecorators/);
    expectThat(() => decorate(class {}, { kind: 'class', metadata: undefined })).to.throw(/Symbol\.metadata/);
  });
});
