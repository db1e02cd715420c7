import { invalidArgument } from '../errors/errors.js';
import { refuseUnknown } from './known-names.js';
import type { RouteParameter } from './route.js';

/** Parameters by name. A Map: a parameter called `__proto__` is one like any other, and known to no route. */
export function readParameters(text: string, parameters: readonly RouteParameter[] = []): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (query.has(name)) throw invalidArgument(name.slice(0, 64), 'is given twice');
    query.set(name, value);
  }
  const isFamily = (name: string): boolean => parameters.some((one) => one.isFamily === true && name.startsWith(`${one.name}.`));
  const known = parameters.map(({ name, isFamily: family }) => (family === true ? `${name}.<field>` : name));
  refuseUnknown(
    [...query.keys()].filter((name) => !isFamily(name)),
    { kind: 'parameter', known },
  );
  return query;
}
