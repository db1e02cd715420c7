/** A float: written with a point, so that clients read a float back (`5.0`). NaN and infinities are null. */
export class JsonFloat {
  constructor(readonly value: number) {}
}

/**
 * What `encodeJson` writes: JSON with integers of any size and floats that stay floats. Objects whose
 * names come from outside are Maps, in which `__proto__` is a name like any other.
 */
export type JsonTree =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonFloat
  | readonly JsonTree[]
  | ReadonlyMap<string, JsonTree>
  | { readonly [name: string]: JsonTree };

export function encodeJson(tree: JsonTree): string {
  switch (typeof tree) {
    case 'string':
    case 'boolean':
    case 'number':
      return JSON.stringify(tree);
    case 'bigint':
      return tree.toString();
    case 'object':
      return encodeObject(tree);
  }
}

function encodeObject(tree: Exclude<JsonTree, string | boolean | number | bigint>): string {
  if (tree === null) return 'null';
  if (tree instanceof JsonFloat) return encodeFloat(tree.value);
  if (isArray(tree)) return `[${tree.map(encodeJson).join(',')}]`;
  const members = isMap(tree) ? [...tree] : Object.entries(tree);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encodeJson(member)}`).join(',')}}`;
}

function encodeFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function isArray(tree: object): tree is readonly JsonTree[] {
  return Array.isArray(tree);
}

function isMap(tree: object): tree is ReadonlyMap<string, JsonTree> {
  return tree instanceof Map;
}
