// One entity's read as the routes ask for it, whoever answers: the engine in this process, with typed values and no message in
// between, or a query service elsewhere, by the messages of its client (message-reads.ts). One contract for both is held by
// test/contract/reads.test.ts.
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { rowJsonOf } from '../../libs/rest/row-json.js';
import type { CallContext } from '../../libs/rpc/handlers.js';
import type { Field, Row } from '../../libs/schema/value-type.js';

/** Reads of one entity. Refusals are ThymeErrors, with the run's id where there is a run (W1). */
export interface Reads {
  query(asked: FeaturesAsked, context: CallContext): Promise<ReadAnswer>;
  lookup(asked: RowAsked, context: CallContext): Promise<ReadAnswer>;
}

interface Asked {
  /** The key's values in the order of its fields, as JSON has them; the answering side coerces them to the key's types. */
  readonly entity: readonly KeyValue[];
  /** Now, where absent; µs. */
  readonly timestampUs?: number | undefined;
  readonly knownAtUs?: number | undefined;
  /** A push's token: wait for its records (S21). */
  readonly after?: string | undefined;
}

export type KeyValue = string | number | boolean;

export interface FeaturesAsked extends Asked {
  readonly featureset: string;
  /** By name, as JSON has them. */
  readonly inputs: ReadonlyMap<string, unknown>;
}

export interface RowAsked extends Asked {
  readonly dataset: string;
}

export interface Answered {
  readonly queryRunId: string;
  readonly asOfUs: number;
  readonly pointInTime: boolean;
  readonly freshness: { readonly watermarkUs: number | undefined; readonly lagUs: number | undefined };
}

/** The values with the columns that they are of, or as messages have them, which do not say of what type a null is. */
export type ReadAnswer = Answered & ({ readonly columns: readonly Field[]; readonly row: Row | null } | { readonly tree: JsonTree });

/** The features, or the row, as one JSON object by name; `null` where a lookup finds no row. */
export function valuesJson(answer: ReadAnswer): string {
  if ('tree' in answer) return encodeJson(answer.tree);
  return answer.row === null ? 'null' : rowJsonOf(answer.columns)(answer.row);
}
