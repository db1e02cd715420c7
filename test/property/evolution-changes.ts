import type { Random } from '../crash/random.js';
import { upgradeOf, type Held, type Shape } from './evolution-world.js';

/** A change of the module: what comes of it, or why it is refused. */
export type Evolution = { readonly what: string; readonly shape: Shape } & (
  | {
      readonly kind: 'taken';
      /** What becomes of each record; absent where D stays as it is. */ readonly carry?: (row: Held) => Held | undefined;
    }
  | { readonly kind: 'refused'; readonly words: RegExp }
);

/** The highest versions and names that were ever used: neither comes back. */
export interface Spent {
  big: number;
  names: number;
}

export function draw(shape: Shape, spent: Spent, random: Random): Evolution {
  const choices = [
    raiseFull,
    raiseFull,
    raiseEmpty,
    addField,
    renameA,
    raiseA,
    toggleA,
    widenA,
    raiseBig,
    renameBig,
    toggleBig,
    ...REFUSED,
  ];
  for (;;) {
    const evolution = random.pick(choices)(shape, spent, random);
    if (evolution !== undefined) return evolution;
  }
}

type Draw = (shape: Shape, spent: Spent, random: Random) => Evolution | undefined;

/** Its topic is new, so what publishes from D needs a new topic as well (S25a). */
function withD(shape: Shape, spent: Spent, upgrade: string): Shape {
  const d = { ...shape.d, version: shape.d.version + 1, upgrade };
  return { ...shape, d, big: shape.big && { ...shape.big, version: ++spent.big } };
}

const raiseFull: Draw = (shape, spent, random) => {
  const { text, apply } = upgradeOf(random.integer(0, 2), random.integer(0, 3));
  return { kind: 'taken', what: `D is raised by ${text}`, shape: withD(shape, spent, text), carry: apply };
};

const raiseEmpty: Draw = (shape, spent, random) =>
  random.next() < 0.5
    ? undefined
    : { kind: 'taken', what: 'D is raised, and empty', shape: withD(shape, spent, "'empty'"), carry: () => undefined };

const addField: Draw = (shape, _spent, random) => ({
  kind: 'taken',
  what: 'D gets a field',
  // Its upgrade has done its work, and may go.
  shape: { ...shape, d: { ...shape.d, extra: shape.d.extra + 1, upgrade: random.next() < 0.5 ? '' : shape.d.upgrade } },
});

const renameA: Draw = (shape, spent) =>
  shape.a && { kind: 'taken', what: 'A.* is renamed', shape: { ...shape, a: { ...shape.a, name: `build${++spent.names}` } } };

const raiseA: Draw = (shape, _spent, random) =>
  shape.a && {
    kind: 'taken',
    what: 'A.* is raised',
    shape: { ...shape, a: { ...shape.a, version: shape.a.version + 1, above: random.integer(0, 6), rate: random.integer(1, 5) } },
  };

/** Removed, and brought back as it was. */
const toggleA: Draw = (shape, spent) => ({
  kind: 'taken',
  what: shape.a === undefined ? 'A is back' : 'A is removed',
  shape: { ...shape, a: shape.a === undefined ? { name: `build${++spent.names}`, version: 1, rate: 3, above: 1, max: false } : undefined },
});

const widenA: Draw = (shape) =>
  shape.a && !shape.a.max
    ? { kind: 'taken', what: 'A gets an aggregation over what it does not hold', shape: { ...shape, a: { ...shape.a, max: true } } }
    : undefined;

const raiseBig: Draw = (shape, spent, random) =>
  shape.big && {
    kind: 'taken',
    what: 'Big is raised, with another filter',
    shape: {
      ...shape,
      big: { ...shape.big, version: ++spent.big, pipelineVersion: shape.big.pipelineVersion + 1, above: random.integer(0, 6) },
    },
  };

const renameBig: Draw = (shape, spent) =>
  shape.big && {
    kind: 'taken',
    what: 'Big.* is renamed, and Big raised',
    shape: { ...shape, big: { ...shape.big, version: ++spent.big, name: `pass${++spent.names}` } },
  };

const toggleBig: Draw = (shape, spent) => ({
  kind: 'taken',
  what: shape.big === undefined ? 'Big is back, raised' : 'Big is removed',
  shape: {
    ...shape,
    big: shape.big === undefined ? { version: ++spent.big, name: `pass${++spent.names}`, pipelineVersion: 1, above: 2 } : undefined,
  },
});

const REFUSED: readonly Draw[] = [
  (shape) => ({
    kind: 'refused',
    what: 'D is raised, and says nothing of its records',
    words: /upgrade: \(old\).*upgrade: 'empty'/,
    shape: { ...shape, d: { ...shape.d, version: shape.d.version + 1, upgrade: '' } },
  }),
  (shape) =>
    shape.big && {
      kind: 'refused',
      what: 'D is raised, and what publishes from it not',
      words: /Big.*S25a.*raise the version of Big/,
      shape: { ...shape, d: { ...shape.d, version: shape.d.version + 1, upgrade: '(old) => old' } },
    },
  (shape) =>
    shape.big && {
      kind: 'refused',
      what: 'Big.* is renamed alone',
      words: /S25a/,
      shape: { ...shape, big: { ...shape.big, name: 'other' } },
    },
  (shape, spent) =>
    shape.big === undefined
      ? {
          kind: 'refused',
          what: 'Big is back as it was',
          words: /S25a/,
          shape: { ...shape, big: { version: spent.big, name: 'back', pipelineVersion: 1, above: 2 } },
        }
      : undefined,
  (shape) =>
    shape.a && {
      kind: 'refused',
      what: 'what a helper of the transform reads is another',
      words: /the code of the transform/,
      shape: { ...shape, a: { ...shape.a, rate: shape.a.rate + 1 } },
    },
];
