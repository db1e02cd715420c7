import { invalidArgument } from '../errors/errors.js';
import { HttpError } from './http-error.js';
import type { Route } from './route.js';

export interface RoutedRequest {
  readonly route: Route;
  readonly pathParameters: ReadonlyMap<string, string>;
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

interface Pattern {
  readonly segments: readonly string[];
  readonly routes: Map<string, Route>;
}

/** Finds routes: exact paths before those with parameters, nothing by prefix, and no redirects (REST 9). */
export class Router {
  readonly #exact = new Map<string, Map<string, Route>>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const byMethod = this.#methodsAt(route.path);
      if (byMethod.has(route.method)) throw new TypeError(`${route.method} ${route.path} is routed twice`);
      byMethod.set(route.method, route);
    }
  }

  /** Throws 404 or 405. HEAD is GET without the body, which node:http leaves out. */
  find(method: string, path: string): RoutedRequest {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const exact = this.#exact.get(path)?.get(wanted);
    if (exact !== undefined) return { route: exact, pathParameters: NO_PARAMETERS };
    const found = this.#match(path);
    if (found === undefined) throw new HttpError(404, `there is nothing at ${path.slice(0, 128)}: see /openapi.json`);
    const route = found.routes.get(wanted);
    if (route === undefined) {
      const allow = [...found.routes.keys()].join(', ');
      throw new HttpError(405, `${path.slice(0, 128)} understands ${allow} only`, { allow });
    }
    return { route, pathParameters: found.pathParameters };
  }

  #match(path: string): { readonly routes: ReadonlyMap<string, Route>; readonly pathParameters: ReadonlyMap<string, string> } | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { routes: exact, pathParameters: NO_PARAMETERS };
    const segments = path.split('/');
    for (const pattern of this.#patterns.values()) {
      const pathParameters = matchSegments(pattern.segments, segments);
      if (pathParameters !== undefined) return { routes: pattern.routes, pathParameters };
    }
    return undefined;
  }

  #methodsAt(path: string): Map<string, Route> {
    if (!path.includes('{')) {
      const byMethod = this.#exact.get(path) ?? new Map<string, Route>();
      this.#exact.set(path, byMethod);
      return byMethod;
    }
    const pattern = this.#patterns.get(path) ?? { segments: path.split('/'), routes: new Map<string, Route>() };
    this.#patterns.set(path, pattern);
    return pattern.routes;
  }
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters = new Map<string, string>();
  for (const [i, expected] of pattern.entries()) {
    const segment = segments[i] ?? '';
    if (!expected.startsWith('{')) {
      if (segment !== expected) return undefined;
    } else {
      if (segment === '') return undefined;
      parameters.set(expected.slice(1, -1), decode(segment));
    }
  }
  return parameters;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidArgument('path', 'is not percent-encoded UTF-8');
  }
}
