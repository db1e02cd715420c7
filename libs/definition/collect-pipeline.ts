import type { Expression } from '../expression/expression.js';
import type { Aggregate, PipelineDefinition, Step } from './definitions.js';
import { datasetNameOf, type Method, type PipelineMark } from './marks.js';
import { omitUndefined } from './omit-undefined.js';
import type { Problems } from './problem.js';
import { withUnused } from './recorded-expression.js';
import { RecordedAggregate, type Recording, RecordedStream } from './recorded-stream.js';

export interface RecordedPipeline {
  readonly pipeline: PipelineDefinition;
  /** Classes that it joins: they belong to the module too. */
  readonly joined: ReadonlySet<object>;
}

/** Runs the method once. Undefined where it threw or gave no stream, which `problems` then says. */
export function recordPipeline(
  dataset: string,
  mark: PipelineMark,
  owner: unknown,
  functions: Map<string, Method>,
  problems: Problems,
): RecordedPipeline | undefined {
  const place = `${dataset}.${mark.name}`;
  const recording: Recording = { pipeline: place, functions: new Map(), joined: new Set() };
  try {
    const inputs = mark.inputs.map(datasetNameOf);
    const streams = inputs.map((input) => new RecordedStream(recording, input, []));
    const { result, unused } = withUnused(() => mark.method.apply(owner, streams));
    for (const expression of unused) reportUnused(place, expression, problems);
    const outcome = outcomeOf(result);
    for (const [id, compute] of recording.functions) functions.set(id, compute);
    const pipeline = pipelineDefinition(dataset, place, mark, [...inputs], outcome, recording);
    for (const name of inputs) {
      if (!pipeline.inputs.includes(name))
        problems.add(place, `its input '${name}' is not used`, `join it, or take it out of \`inputs\` and of the method`);
    }
    return { pipeline: { ...pipeline, inputs: [...new Set([...pipeline.inputs, ...inputs])] }, joined: recording.joined };
  } catch (error) {
    problems.add(
      place,
      `it cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'a pipeline is a chain of steps on its streams, without other work',
    );
    return undefined;
  }
}

interface Outcome {
  readonly origin: string;
  readonly steps: readonly Step[];
  readonly aggregate?: Aggregate;
}

function outcomeOf(result: unknown): Outcome {
  if (result instanceof RecordedStream) return result;
  if (result instanceof RecordedAggregate)
    return {
      origin: result.stream.origin,
      steps: result.stream.steps,
      aggregate: { groupBy: result.groupBy, aggregations: result.aggregations },
    };
  throw new TypeError('it must return its stream, or what .aggregate({...}) gives');
}

/** The stream that the steps start from is the first input, the joined datasets follow. */
function pipelineDefinition(
  output: string,
  name: string,
  mark: PipelineMark,
  inputs: readonly string[],
  outcome: Outcome,
  recording: Recording,
): PipelineDefinition {
  const { description, owner, tags, deprecated, version } = mark;
  const joined = [...recording.joined].map(datasetNameOf);
  return {
    ...omitUndefined({ description, owner, tags, deprecated, aggregate: outcome.aggregate }),
    name,
    version,
    output,
    inputs: [...new Set([outcome.origin, ...joined])],
    steps: outcome.steps,
  };
}

/** In JavaScript `a && b` is b, and a predicate alone does nothing: neither may go by in silence. */
function reportUnused(place: string, expression: Expression, problems: Problems): void {
  problems.add(
    place,
    `the expression ${describe(expression)} is made, but used nowhere`,
    'join predicates with a.and(b) or a.or(b), never with && or ||',
  );
}

function describe(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return expression.name;
    case 'literal':
      return JSON.stringify(expression.value.value);
    case 'arithmetic':
    case 'comparison':
      return `${describe(expression.left)}.${expression.operator}(${describe(expression.right)})`;
    case 'and':
    case 'or':
      return `${describe(expression.left)}.${expression.kind}(${describe(expression.right)})`;
    case 'fillNull':
      return `${describe(expression.operand)}.fillNull(${describe(expression.fallback)})`;
    default:
      return `${describe(expression.operand)}.${expression.kind}()`;
  }
}
