import { SourceError } from '../source-error.js';
import type { SourceSettings } from '../source-settings.js';
import { plainAvro } from './avro-values.js';
import { jsonDecoder, type PayloadDecoder, REGISTRY_HEAD_LENGTH, schemaIdOf } from './payload.js';
import { compileProtobuf } from './protobuf-values.js';
import type { RegistryClient } from './registry-client.js';

type Decode = (payload: Buffer) => unknown;

/** Schemas that one reader keeps. A topic has some tens of versions; one with more than this is no topic of one kind. */
const SCHEMAS_MAX = 10_000;
const NOT_FOUND = 404;
const REFUSED = new Set([401, 403]);

/** Payloads by the schemas that they name: Avro, Protobuf and JSON, in any mixture and version. A schema is asked for once. */
export class RegistryDecoder implements PayloadDecoder {
  readonly #client: RegistryClient;
  readonly #settings: SourceSettings;
  readonly #decoders = new Map<number, Decode>();

  constructor(client: RegistryClient, settings: SourceSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  async prepare(payloads: readonly (Buffer | null)[]): Promise<void> {
    for (const payload of payloads) {
      const id = payload === null ? undefined : schemaIdOf(payload);
      if (id === undefined || this.#decoders.has(id)) continue;
      if (this.#decoders.size >= SCHEMAS_MAX) this.#decoders.clear();
      this.#decoders.set(id, await this.#find(id));
    }
  }

  decode(payload: Buffer): unknown {
    const id = schemaIdOf(payload);
    if (id === undefined) throw new Error('has no id of a schema before it: its producer did not use the registry');
    const decode = this.#decoders.get(id);
    if (decode === undefined) throw new Error(`names schema ${id}, which was not prepared`);
    return decode(payload.subarray(REGISTRY_HEAD_LENGTH));
  }

  async #find(id: number): Promise<Decode> {
    const { registry, protobuf, url } = this.#client;
    try {
      const schema = await registry.getSchema(id);
      if ('message' in schema) return compileProtobuf(schema.message, protobuf);
      if ('validate' in schema) return (payload) => jsonDecoder.decode(payload);
      return (payload) => plainAvro(schema.fromBuffer(payload));
    } catch (cause) {
      const status = statusOf(cause);
      const words = this.#settings.redact(cause instanceof Error ? cause.message : String(cause));
      // The registry's answer is that there is no such schema, or the schema cannot be understood: later answers are the same.
      if (status === undefined || (status === NOT_FOUND && /40403|not found|no (schema|content|artifact)/i.test(words)))
        return () => {
          throw new Error(`names schema ${id}, which cannot be used: ${words}`);
        };
      throw new SourceError(
        REFUSED.has(status) || status === NOT_FOUND ? 'stop' : 'retry',
        'THYME_SOURCE_REGISTRY',
        `the schema registry at ${url} does not answer for schema ${id}: ${words}`,
        { cause },
      );
    }
  }
}

/** Of what the library makes of an answer, or of none; undefined where the answer came and is no schema. */
function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}
