import assert from 'node:assert';
import type { Aggregation } from '../definition/definitions.js';
import { ThymeError } from '../errors/errors.js';
import type { Value, ValueType } from '../schema/value-type.js';
import type { WindowAnswer } from '../timeline/timeline.js';
import { compileFromColumn } from './column-values.js';

/** Makes the value of the output dataset's field from a window's answer (S5). */
export type FinishAnswer = (answer: WindowAnswer) => Value;

/** `type` is that of the output field; `place` names it where the answer is out of range (S8). */
export function compileFinish(aggregation: Aggregation, type: ValueType, place: string): FinishAnswer {
  switch (aggregation.operator) {
    case 'count':
      return (answer) => asNumber(answer) ?? 0;
    case 'sum':
      return (answer) => checked(asNumber(answer) ?? 0, type, place);
    case 'avg':
    case 'percentile':
    case 'percentRank':
      return (answer) => checked(asNumber(answer), type, place);
    case 'min':
    case 'max': {
      const fromColumn = compileFromColumn(type);
      return (answer) => fromColumn(asNumber(answer));
    }
    case 'last': {
      const fromColumn = compileFromColumn(type);
      return (answer) => fromColumn(asList(answer)[0] ?? null);
    }
    case 'lastK': {
      assert(type.kind === 'list', `${place} takes a list`); // refused at commit
      const fromColumn = compileFromColumn(type.of);
      return (answer) => asList(answer).map(fromColumn);
    }
  }
}

/** For one answer; who has many compiles once. */
export function finishAnswer(aggregation: Aggregation, type: ValueType, answer: WindowAnswer, place: string): Value {
  return compileFinish(aggregation, type, place)(answer);
}

/** An int beyond the safe range would be a wrong number, and so would an infinity (S8). */
function checked(value: number | null, type: ValueType, place: string): number | null {
  if (value === null) return null;
  if (type.kind === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value)) return value;
  throw new ThymeError('THYME_OUT_OF_RANGE', 'OUT_OF_RANGE', `${place}: the result does not fit into t.${type.kind}`, [
    {
      field: place,
      description:
        type.kind === 'int' ? 'sums of t.int end at 2^53 - 1: use t.float, or a shorter window' : 'the values are too large to be added',
    },
  ]);
}

function asNumber(answer: WindowAnswer): number | null {
  assert(answer === null || typeof answer === 'number');
  return answer;
}

function asList(answer: WindowAnswer): readonly (number | Uint8Array | null)[] {
  assert(answer !== null && typeof answer !== 'number');
  return answer;
}
