import type { ConnectorRules } from '../definition/connectors.js';
import type { ConfigValue, DatasetDefinition, SourceDefinition } from '../definition/definitions.js';
import { SourceError } from './source-error.js';

/** A source as one life of its reader has it: what the definition says, completed from the environment. */
export interface SourceSettings {
  readonly source: SourceDefinition;
  readonly dataset: DatasetDefinition;
  /** Parameters that are no secrets. An empty text counts as unset. */
  readonly parameters: ReadonlyMap<string, string | number | boolean>;
  /** Read when they are asked for, so that a rotated secret is taken up by the next life; never part of a message. */
  secret(parameter: string): Promise<string | undefined>;
  /** The text without any secret that was read so far: systems repeat in their errors what they were told. */
  redact(text: string): string;
}

/** What settings are read from; the process's own, and a test's. */
export interface SourceEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
}

/** A secret file beyond this is none. */
const SECRET_LENGTH_MAX = 65_536;

/**
 * What to read (`required`) is the definition's alone; where it is, and as whom, falls back to THYME_<CONNECTOR>_<PARAMETER>
 * of the process that reads (CONNECTORS).
 */
export function sourceSettings(
  source: SourceDefinition,
  dataset: DatasetDefinition,
  { required, optional, secrets }: ConnectorRules,
  environment: SourceEnvironment,
): SourceSettings {
  const parameters = new Map<string, string | number | boolean>();
  for (const name of [...required, ...optional]) {
    const given =
      plainOf(source.config[name]) ?? (required.includes(name) ? undefined : set(environment.variables[variableOf(source, name)]));
    if (given !== undefined && !secrets.includes(name)) parameters.set(name, given);
  }
  const told = new Set<string>();
  const secret = async (name: string): Promise<string | undefined> => {
    const value = source.config[name];
    const place = `${source.dataset}'s ${source.connector} source, '${name}'`;
    const found =
      typeof value === 'object'
        ? await resolveSecret(value.secret, place, environment)
        : set(environment.variables[variableOf(source, name)]);
    if (found !== undefined) told.add(found);
    return found;
  };
  const redact = (text: string): string => [...told].reduce((rest, one) => rest.replaceAll(one, '[secret]'), text);
  return { source, dataset, parameters, secret, redact };
}

/** A parameter that the connector cannot do without. Throws a SourceError, which names the variable that may say it, where it is absent. */
export function textParameter({ source, parameters }: SourceSettings, name: string): string {
  const value = parameters.get(name);
  if (value !== undefined) return String(value);
  throw new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `the ${source.connector} source of ${source.dataset} lacks '${name}': name it, or set ${variableOf(source, name)}`,
  );
}

/** `THYME_POSTGRES_SSLMODE` for `sslmode` of postgres. */
function variableOf({ connector }: SourceDefinition, parameter: string): string {
  return `THYME_${connector}_${parameter.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
}

function plainOf(value: ConfigValue | undefined): string | number | boolean | undefined {
  if (value === undefined || typeof value === 'object') return undefined;
  return typeof value === 'string' ? set(value) : value;
}

function set(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/** Names the reference where it cannot be resolved, never what it resolved to. */
async function resolveSecret(reference: string, where: string, { variables, readFile }: SourceEnvironment): Promise<string> {
  const [kind, ...rest] = reference.split(':');
  const name = rest.join(':');
  if (kind === 'env') {
    const value = set(variables[name]);
    if (value !== undefined) return value;
    throw new SourceError('stop', 'THYME_SOURCE_SECRET', `${where}: the environment of the ingest process has no ${name}: set it there`);
  }
  try {
    const text = await readFile(name);
    if (text.length <= SECRET_LENGTH_MAX) return text.replace(/\r?\n$/, '');
  } catch (cause) {
    throw new SourceError('stop', 'THYME_SOURCE_SECRET', `${where}: ${name} cannot be read in the ingest process: put the secret there`, {
      cause,
    });
  }
  throw new SourceError(
    'stop',
    'THYME_SOURCE_SECRET',
    `${where}: ${name} is longer than ${SECRET_LENGTH_MAX} characters, and so no secret`,
  );
}
