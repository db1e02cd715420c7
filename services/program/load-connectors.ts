import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configError, createEnv } from '../../libs/config/env.js';
import { addConnector, type OwnConnector } from '../../libs/source/own-connector.js';

const VARIABLE = 'THYME_CONNECTORS';

/**
 * Loads the connectors that are not part of Thyme: THYME_CONNECTORS names their modules, comma-separated. Throws a ThymeError
 * that names what is wrong.
 */
export async function loadConnectors(variables: Readonly<Record<string, string | undefined>>): Promise<void> {
  for (const path of createEnv(variables).list(VARIABLE)) {
    const loaded = await import(pathToFileURL(resolve(path)).href).then(
      (module: Readonly<Record<string, unknown>>) => module['default'],
      (cause: unknown) =>
        Promise.reject(configError(VARIABLE, `${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`)),
    );
    if (!isConnector(loaded))
      throw configError(VARIABLE, `${path} exports no connector by default: export default { name, rules, create }`);
    try {
      addConnector(loaded);
    } catch (cause) {
      throw configError(VARIABLE, `${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}

function isConnector(value: unknown): value is OwnConnector {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'rules' in value &&
    'create' in value &&
    typeof value.create === 'function'
  );
}
