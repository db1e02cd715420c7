import { invalidArgument } from '../errors/errors.js';
import { refuseUnknown } from './known-names.js';
import type { RouteParameter } from './route.js';

/** Parameters by name. A Map: a parameter called `__proto__` is one like any other, and known to no route. */
export function readParameters(text: string, parameters: readonly RouteParameter[] = []): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of PLAIN.test(text) ? plainPairs(text) : new URLSearchParams(text)) {
    if (query.has(name)) throw invalidArgument(name.slice(0, 64), 'is given twice');
    query.set(name, value);
  }
  const unknown = [...query.keys()].filter((name) => !parameters.some((one) => isNamed(one, name)));
  if (unknown.length > 0) {
    const known = parameters.map(({ name, isFamily: family }) => (family === true ? `${name}.<field>` : name));
    refuseUnknown(unknown, { kind: 'parameter', known });
  }
  return query;
}

function isNamed({ name, isFamily }: RouteParameter, given: string): boolean {
  return isFamily === true ? given.startsWith(`${name}.`) : given === name;
}

/** Nothing here is written otherwise than it is meant: to split such a text costs a tenth of what URLSearchParams does. */
const PLAIN = /^[A-Za-z0-9._~:@,;/=&-]*$/;

function* plainPairs(text: string): Iterable<readonly [string, string]> {
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=');
    if (pair !== '') yield equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
  }
}
