import type { IsInput, Sent } from './field-fit.js';
import type { Row } from './names.js';

// What a typed client asks and answers for a featureset's class.

/** The request-time inputs of a featureset: each must be sent. */
export type AskedInputs<C> = { readonly [K in keyof Row<C> as IsInput<Row<C>[K]> extends true ? K : never]: Sent<Row<C>[K]> };

/** The features of an answer, as plain values. */
export type Answered<C> = { readonly [K in keyof Row<C>]: Sent<Row<C>[K]> };

/** The last argument of a query: required where the featureset has inputs. */
export type QueryOptions<C, O> = keyof AskedInputs<C> extends never ? [options?: O] : [options: O & { readonly inputs: AskedInputs<C> }];

/** The last argument of a batch: inputs that all entities share, or a list with those of each. */
export type BatchOptions<C, O> = keyof AskedInputs<C> extends never
  ? [options?: O]
  : [options: O & { readonly inputs: AskedInputs<C> | readonly AskedInputs<C>[] }];

/** What a question of a training set brings besides entity and instant. */
export type QuestionInputs<C> = keyof AskedInputs<C> extends never ? unknown : { readonly inputs: AskedInputs<C> };
