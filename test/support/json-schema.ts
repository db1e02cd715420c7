/** A JSON Schema, or what claims to be one. */
export type Schema = Readonly<Record<string, unknown>>;

const KEYWORDS = new Set([
  'type',
  'enum',
  'const',
  'anyOf',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'maxItems',
  'minimum',
  'minLength',
  'maximum',
  'default',
  'format',
  'description',
  '$ref',
]);
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/**
 * What in the value is not as the schema says, by place; empty where all is. Stricter than the
 * standard, so that a schema is found out which says less than it could: every object names its
 * members or what else they are, a member that is not named is a fault, and so is an unknown keyword.
 */
export function faultsOf(value: unknown, schema: Schema, root: Schema = schema, place = '$'): readonly string[] {
  const unknown = Object.keys(schema).filter((keyword) => !KEYWORDS.has(keyword));
  if (unknown.length > 0) return [`${place}: the schema has unknown keywords ${unknown.join(', ')}`];
  if (typeof schema.$ref === 'string') return faultsOf(value, resolve(schema.$ref, root), root, place);
  if (Array.isArray(schema.anyOf)) return anyOfFaults(value, schema.anyOf as readonly Schema[], root, place);
  const own = scalarFaults(value, schema, place);
  if (own.length > 0) return own;
  if (Array.isArray(value)) return arrayFaults(value, schema, root, place);
  return typeof value === 'object' && value !== null && schema.type !== undefined ? objectFaults(value, schema, root, place) : [];
}

function resolve(ref: string, root: Schema): Schema {
  // The cast: a reference that leads nowhere is caught below.
  const found = ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], root);
  if (typeof found !== 'object' || found === null) throw new Error(`${ref} leads nowhere`);
  return found as Schema;
}

function anyOfFaults(value: unknown, choices: readonly Schema[], root: Schema, place: string): readonly string[] {
  const all = choices.map((choice) => faultsOf(value, choice, root, place));
  return all.some((faults) => faults.length === 0) ? [] : [`${place}: fits none of ${choices.length}: ${all.flat().join('; ')}`];
}

function scalarFaults(value: unknown, schema: Schema, place: string): readonly string[] {
  const faults: string[] = [];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    faults.push(`${place}: ${JSON.stringify(value)} is no ${types.join(' or ')}`);
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    faults.push(`${place}: ${JSON.stringify(value)} is none of ${schema.enum.join(', ')}`);
  if ('const' in schema && schema.const !== value) faults.push(`${place}: ${JSON.stringify(value)} is not ${JSON.stringify(schema.const)}`);
  if (typeof value === 'string' && value.length < Number(schema.minLength ?? 0))
    faults.push(`${place}: has fewer than ${String(schema.minLength)} characters`);
  if (typeof value === 'number' && (value < Number(schema.minimum ?? -Infinity) || value > Number(schema.maximum ?? Infinity)))
    faults.push(`${place}: ${value} is out of range`);
  if (schema.format === 'date-time' && typeof value === 'string' && !DATE_TIME.test(value))
    faults.push(`${place}: '${value}' is no date-time`);
  return faults;
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function arrayFaults(value: readonly unknown[], schema: Schema, root: Schema, place: string): readonly string[] {
  if (schema.items === undefined) return schema.type === undefined ? [] : [`${place}: the schema says nothing of the items`];
  if (value.length > Number(schema.maxItems ?? Infinity)) return [`${place}: has more than ${String(schema.maxItems)} items`];
  return value.flatMap((item, i) => faultsOf(item, schema.items as Schema, root, `${place}[${i}]`));
}

function objectFaults(value: object, schema: Schema, root: Schema, place: string): readonly string[] {
  if (schema.properties === undefined && schema.additionalProperties === undefined)
    return [`${place}: the schema says nothing of the members`];
  const properties = new Map(Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>));
  const required = (schema.required ?? []) as readonly string[];
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${place}.${name}: is missing`),
    ...Object.entries(value).flatMap(([name, member]) => {
      const known = properties.get(name);
      if (known !== undefined) return faultsOf(member, known, root, `${place}.${name}`);
      return schema.additionalProperties === true ? [] : [`${place}.${name}: is not described`];
    }),
  ];
}
