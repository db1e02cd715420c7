import { createRequire } from 'node:module';
import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { importPeer } from '../import-peer.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { avroOptions, type Avsc } from './avro-values.js';
import type { Protobuf } from './protobuf-values.js';

const PACKAGE = '@kafkajs/confluent-schema-registry';
const TIMEOUT_MS = 10_000;

/** A registry, and the libraries that it reads its schemas with. */
export interface RegistryClient {
  readonly url: string;
  readonly registry: SchemaRegistry;
  readonly protobuf: Protobuf;
}

/** By an optional library: whoever has no schema registry need not install it. Nothing is asked of the registry yet. */
export async function openRegistry(settings: SourceSettings): Promise<RegistryClient> {
  const url = textParameter(settings, 'schemaRegistryUrl');
  const library = await importPeer('kafka', `${PACKAGE}@3.9`, () => import('@kafkajs/confluent-schema-registry'));
  const load = createRequire(createRequire(import.meta.url).resolve(PACKAGE));
  const avsc = load('avsc') as Avsc; // the very one that the library makes its types with
  const protobuf = load('protobufjs') as Protobuf;
  protobuf.parse.defaults.keepCase = true; // fields as the schema names them; the library does not ask
  const username = settings.parameters.get('schemaRegistryUsername')?.toString();
  const password = await settings.secret('schemaRegistryPassword');
  const registry = new library.SchemaRegistry(
    {
      host: url.replace(/\/+$/, ''),
      clientId: 'thyme',
      ...(username === undefined && password === undefined ? {} : { auth: { username: username ?? '', password: password ?? '' } }),
      middlewares: [() => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: TIMEOUT_MS }) })],
    },
    { [library.SchemaType.AVRO]: avroOptions(avsc) },
  );
  return { url, registry, protobuf };
}
