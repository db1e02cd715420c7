import type { DatasetDefinition, SourceDefinition } from '../../definition/definitions.js';
import { compileFieldValue } from '../../files/field-values.js';
import type { Field } from '../../schema/value-type.js';
import { type SourceRow, UnreadableRow } from '../connector.js';
import { plain } from '../objects/object-rows.js';
import { SourceError } from '../source-error.js';
import { withoutSchema } from './connect-values.js';
import type { KafkaMessage } from './message-batch.js';
import { parseJson, type PayloadDecoder, schemaIdOf, textOf } from './payload.js';
import type { TopicPosition } from './topic-position.js';

export interface MessageRowsOptions {
  readonly topic: string;
  readonly dataset: DatasetDefinition;
  readonly cdc: SourceDefinition['cdc'];
  readonly values: PayloadDecoder;
  /** For keys that name a schema; others are JSON objects, or text. */
  readonly keys: PayloadDecoder;
}

type JsonObject = Record<string, unknown>;

/** A message wherever it stands: Kinesis has such records too. */
export type Message = Omit<KafkaMessage, 'offset'>;

/** A message while it becomes a row: its value as it was read, or why it could not be. */
interface Opened {
  readonly message: Message;
  readonly value: unknown;
  /** What the dataset wants and the value has not. */
  readonly missing: readonly Field[];
  readonly needsKey: boolean;
}

/**
 * Messages as the door of their dataset takes rows. What a value lacks is taken from the key, and then from the headers, by the
 * names of fields; a key that is one plain value fills the field that the dataset is keyed by.
 */
export class MessageRows {
  readonly #options: MessageRowsOptions;
  readonly #fields: readonly Field[];
  /** The only field that names a row; undefined where several do together. */
  readonly #keyField: Field | undefined;
  readonly #rowKey: readonly string[];

  constructor(options: MessageRowsOptions) {
    this.#options = options;
    const { fields, cdc, keys } = options.dataset;
    this.#fields = fields;
    this.#rowKey = cdc?.rowKey ?? keys;
    this.#keyField = this.#rowKey.length === 1 ? fields.find(({ name }) => name === this.#rowKey[0]) : undefined;
  }

  /** One row for each message, in their order. Rejects with a SourceError where their schemas cannot be had now. */
  async rowsOf(partition: number, messages: readonly KafkaMessage[], at: TopicPosition, nowMs: number): Promise<readonly SourceRow[]> {
    const inputs = await this.inputsOf(messages, (timestampMs) => at.changeTimeMs(partition, timestampMs, nowMs));
    return messages.map(({ offset }, i) => ({
      input: inputs[i],
      lane: `kafka:${partition}`,
      historical: at.isInitial(partition, offset),
      place: `${this.#options.topic} partition ${partition} offset ${offset}`,
    }));
  }

  /** What each message says, in their order; `changeTimeMs` says when one changes its row, and is asked under upsert alone. */
  async inputsOf(messages: readonly Message[], changeTimeMs: (timestampMs: number) => number): Promise<readonly unknown[]> {
    const { values, keys, cdc } = this.#options;
    await values.prepare(messages.map(({ value }) => value));
    const opened = messages.map((message) => this.#open(message));
    await keys.prepare(opened.map(({ needsKey, message }) => (needsKey ? message.key : null)));
    return opened.map((one) => this.#inputOf(one, cdc === 'upsert' ? changeTimeMs(one.message.timestampMs) : undefined));
  }

  #open(message: Message): Opened {
    const { cdc, values } = this.#options;
    if (message.value === null) return { message, value: null, missing: [], needsKey: cdc !== 'append' };
    try {
      const value = withoutSchema(values.decode(message.value));
      if (!isObject(value)) return { message, value, missing: [], needsKey: false };
      if (cdc === 'debezium') return { message, value, missing: [], needsKey: isBareDelete(value) };
      const missing = this.#fields.filter(({ name }) => !Object.hasOwn(value, name));
      return { message, value, missing, needsKey: missing.length > 0 && message.key !== null };
    } catch (error) {
      return { message, value: unreadable(message.value, error), missing: [], needsKey: false };
    }
  }

  #inputOf({ message, value, missing }: Opened, timeMs: number | undefined): unknown {
    if (value instanceof UnreadableRow) return value;
    const { cdc } = this.#options;
    try {
      if (value === null) return this.#tombstone(message, timeMs);
      if (!isObject(value)) return value;
      if (cdc === 'debezium') return this.#envelope(message, value);
      for (const field of missing) this.#fill(value, field, message);
      this.#finish(value);
      if (cdc !== 'upsert') return value;
      // The key and the value say what the change is: members of these names are the value's own, and no field's.
      const { op: _op, op_time: _time, ...row } = value;
      return { ...row, op_time: timeOf(timeMs) };
    } catch (error) {
      return unreadable(message.value, error);
    }
  }

  #tombstone(message: Message, timeMs: number | undefined): unknown {
    const { cdc } = this.#options;
    if (cdc === 'append') return new UnreadableRow('', "has no value: where that deletes a row, declare cdc: 'upsert'");
    const key = this.#rowKeyOf(message);
    // Debezium's stands behind a delete, which has its time.
    return cdc === 'debezium' ? { key, value: null } : { ...key, op: 'delete', op_time: timeOf(timeMs) };
  }

  #envelope(message: Message, envelope: JsonObject): unknown {
    for (const member of ['before', 'after']) {
      const row = envelope[member];
      if (isObject(row)) this.#finish(row);
    }
    return isBareDelete(envelope) && message.key !== null ? { ...envelope, before: this.#rowKeyOf(message) } : envelope;
  }

  /** The fields that name the message's row, from its key. Throws Error where it has none. */
  #rowKeyOf(message: Message): JsonObject {
    const row: JsonObject = {};
    for (const field of this.#fields) if (this.#rowKey.includes(field.name)) this.#fill(row, field, { ...message, headers: [] });
    const lacking = this.#rowKey.find((name) => row[name] === undefined || row[name] === null);
    if (lacking !== undefined) throw new Error(`deletes a row, and its key does not say which: ${lacking} is missing in it`);
    this.#finish(row);
    return row;
  }

  #fill(row: JsonObject, field: Field, { key, headers }: Message): void {
    const { name, type } = field;
    const opened = key === null ? undefined : this.#openKey(key);
    if (isObject(opened)) {
      if (Object.hasOwn(opened, name)) return void (row[name] = opened[name]);
    } else if (opened !== undefined && field === this.#keyField) return void (row[name] = compileFieldValue(type.kind, true)(opened));
    const header = headers.findLast(([header]) => header === name)?.[1];
    if (header !== undefined && header !== null) row[name] = compileFieldValue(type.kind, true)(textOf(header));
  }

  #openKey(bytes: Buffer): unknown {
    if (schemaIdOf(bytes) !== undefined) return withoutSchema(this.#options.keys.decode(bytes));
    const text = textOf(bytes);
    if (text.startsWith('{')) return withoutSchema(parseJson(text));
    return /^"[^]*"$/.test(text) ? parseJson(text) : text;
  }

  /** Numbers that a double does not hold, as the door takes them for their fields. */
  #finish(row: JsonObject): void {
    for (const { name, type } of this.#fields) {
      const value = row[name];
      if (typeof value === 'object' && value !== null && Object.hasOwn(row, name)) row[name] = plain(value, type);
    }
  }
}

function unreadable(value: Buffer | null, error: unknown): UnreadableRow {
  if (error instanceof SourceError || !(error instanceof Error)) throw error;
  let text = '';
  try {
    text = value === null ? '' : textOf(value);
  } catch {
    text = value?.toString('base64') ?? '';
  }
  return new UnreadableRow(text, error.message);
}

/** A delete whose table does not tell what the row was: its key does. */
function isBareDelete(envelope: JsonObject): boolean {
  return envelope['op'] === 'd' && (envelope['before'] === null || envelope['before'] === undefined);
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
