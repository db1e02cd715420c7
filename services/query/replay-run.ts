import { ThymeError } from '../../libs/errors/errors.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import { present } from '../../libs/wire/present.js';
import type { OfflineQuestion, QueryCaller } from './answers.js';
import type { QueryEngine } from './engine.js';
import { entityCountOf, type QueryRun } from './query-run.js';

export interface Replayed {
  readonly kind: QueryRun['kind'];
  readonly columns: readonly Field[];
  readonly rows: readonly Row[];
  /** For an offline run, the latest of its rows' instants. */
  readonly asOfUs: number;
}

/**
 * Asks a run's question again and records nothing. It asks at the instant that was answered for, so
 * that it shows what the model saw (S4); where no answer came, at the instant asked for, or now.
 */
export async function replayRun(engine: QueryEngine, run: QueryRun, caller: QueryCaller): Promise<Replayed> {
  // Those of before counted rows alone.
  if (run.kind === 'offline' && run.rowCount > entityCountOf(run))
    throw notReplayable(run, `it had ${run.rowCount} rows, of which ${run.entities.length} were recorded`);
  if (run.hadInputs) throw notReplayable(run, 'it had request-time inputs, which are never recorded');
  if (run.entities.length === 0 && run.rowCount + (run.error?.length ?? 0) > 0)
    throw notReplayable(run, 'its entities were refused, and so not recorded');
  const replaying = { ...caller, signal: caller.signal, isReplay: true };
  if (entityCountOf(run) > run.entities.length)
    throw notReplayable(run, `it asked for ${entityCountOf(run)} entities, of which ${run.entities.length} were recorded`);
  if (run.kind === 'offline') return replayOffline(engine, run, replaying);
  const asked = present({
    timestampUs: run.asOfUs ?? run.requestedTimestampUs,
    knownAtUs: run.knownAtUs === 'timestamp' ? undefined : run.knownAtUs,
  });
  const [entity = []] = run.entities;
  switch (run.kind) {
    case 'online': {
      const { columns, row, asOfUs } = await engine.query({ featureset: run.featureset, entity, ...asked }, replaying);
      return { kind: run.kind, columns, rows: [row], asOfUs };
    }
    case 'batch': {
      const { columns, rows, asOfUs } = await engine.queryBatch(
        { featureset: run.featureset, entities: run.entities, ...asked },
        replaying,
      );
      return { kind: run.kind, columns, rows, asOfUs };
    }
    case 'lookup': {
      const { columns, row, asOfUs } = await engine.lookup({ dataset: run.featureset, entity, ...asked }, replaying);
      return { kind: run.kind, columns, rows: row === null ? [] : [row], asOfUs };
    }
  }
}

async function replayOffline(engine: QueryEngine, run: QueryRun, caller: QueryCaller): Promise<Replayed> {
  const timestampsUs = run.timestampsUs ?? [];
  const questions = run.entities.map((entity, i): OfflineQuestion => ({ entity, timestampUs: timestampsUs[i] ?? 0 }));
  const { columns, rows } = engine.queryOffline({ featureset: run.featureset, knownAt: run.knownAtUs }, once(questions), caller);
  const answered: Row[] = [];
  for await (const chunk of rows) for (const { row } of chunk) answered.push(row);
  return { kind: 'offline', columns, rows: answered, asOfUs: Math.max(0, ...timestampsUs) };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}

function notReplayable(run: QueryRun, reason: string): ThymeError {
  return new ThymeError('THYME_NOT_REPLAYABLE', 'FAILED_PRECONDITION', `query run ${run.id} cannot be replayed: ${reason}`);
}
