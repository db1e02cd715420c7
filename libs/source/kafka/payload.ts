import { isUtf8 } from 'node:buffer';
import { parseExactJson } from '../../codec/exact-json.js';

/** Reads keys and values of messages. */
export interface PayloadDecoder {
  /** Fetches what these need to be decoded. Rejects with a SourceError where that cannot be had now. */
  prepare(payloads: readonly (Buffer | null)[]): Promise<void>;
  /** Numbers that a double does not hold are ExactNumbers. Throws Error with the reason where it cannot be read. */
  decode(payload: Buffer): unknown;
}

/** What producers with a schema registry put before the payload: | 0 | schema id u32 |. No JSON text begins so. */
export const REGISTRY_HEAD_LENGTH = 5;

export function schemaIdOf(payload: Buffer): number | undefined {
  return payload.length > REGISTRY_HEAD_LENGTH && payload[0] === 0 ? payload.readUInt32BE(1) : undefined;
}

/** JSON, alone or behind the id of its schema, which says nothing that the dataset's fields do not. */
export const jsonDecoder: PayloadDecoder = {
  prepare: async () => undefined,
  decode: (payload) => parseJson(textOf(schemaIdOf(payload) === undefined ? payload : payload.subarray(REGISTRY_HEAD_LENGTH))),
};

/** A number of so many characters may be one that a double does not hold. */
const LONG_NUMBER = /\d[\d.]{15}/;

export function parseJson(text: string): unknown {
  try {
    return LONG_NUMBER.test(text) ? parseExactJson(text) : (JSON.parse(text) as unknown);
  } catch (error) {
    throw new Error(`is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`, { cause: error });
  }
}

export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('is no text in UTF-8: say format avro or protobuf, if it is one of them');
  return bytes.toString();
}
