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
      return encodeText(tree);
    case 'boolean':
      return tree ? 'true' : 'false';
    case 'number':
      return Number.isFinite(tree) ? String(tree) : 'null';
    case 'bigint':
      return tree.toString();
    case 'object':
      return encodeObject(tree);
  }
}

/** Characters that JSON writes as they are: most texts have no others, and to see that is faster than JSON.stringify. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/** One text, as `encodeJson` writes it. */
export function encodeText(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : JSON.stringify(text);
}

function encodeObject(tree: Exclude<JsonTree, string | boolean | number | bigint>): string {
  if (tree === null) return 'null';
  if (tree instanceof JsonFloat) return encodeFloat(tree.value);
  if (isArray(tree)) return encodeList(tree);
  let members = '';
  for (const [name, member] of isMap(tree) ? tree : Object.entries(tree))
    members += `${members === '' ? '' : ','}${encodeText(name)}:${encodeJson(member)}`;
  return `{${members}}`;
}

function encodeList(list: readonly JsonTree[]): string {
  let elements = '';
  for (let i = 0; i < list.length; i++) elements += `${i === 0 ? '' : ','}${encodeJson(list[i] ?? null)}`;
  return `[${elements}]`;
}

/** One float, as `encodeJson` writes a `JsonFloat`. */
export function encodeFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const text = Object.is(value, -0) ? '-0' : String(value);
  // From 1e21 on the text has an exponent, by which it is read as a float.
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${text}.0` : text;
}

function isArray(tree: object): tree is readonly JsonTree[] {
  return Array.isArray(tree);
}

function isMap(tree: object): tree is ReadonlyMap<string, JsonTree> {
  return tree instanceof Map;
}
