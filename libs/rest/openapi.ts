import { PROBLEM_TYPE } from './problem.js';
import { answerSchema, type JsonSchema, type Route, type RouteParameter } from './route.js';

/** The OpenAPI 3.1 document of the routes: written from the very table that requests are routed by. */
export function openApiDocument(routes: readonly Route[], version: string): JsonSchema {
  const paths = new Map<string, Record<string, JsonSchema>>();
  for (const route of routes) {
    const item = paths.get(route.path) ?? {};
    item[route.method.toLowerCase()] = operation(route);
    paths.set(route.path, item);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Thyme',
      version,
      description: 'A real-time feature platform: features now, or as of any past instant, from one state.',
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key with the scope that the operation names.' } },
    },
  };
}

function operation(route: Route): JsonSchema {
  const pathParameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const queryParameters = (route.parameters ?? []).map(queryParameter);
  const { body, answerHeaders = {} } = route;
  const headers = Object.fromEntries(
    Object.entries(answerHeaders).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[^A-Za-z0-9]+(\w)?/g, (_match, letter: string | undefined) => (letter ?? '').toUpperCase())}`,
    summary: route.summary,
    parameters: [...pathParameters, ...queryParameters],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${body.bytesMax} bytes.`,
            content: contentOf(body.types.map((type) => [type, type.includes('json') ? body.schema : {}])),
          },
        }),
    responses: {
      200: { description: 'OK', headers, content: contentOf(Object.entries(route.answers)) },
      default: {
        description: 'A problem (RFC 9457).',
        headers,
        content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
    security: route.scope === 'public' ? [] : [{ apiKey: [route.scope] }],
  };
}

function queryParameter({
  name,
  description,
  required = false,
  schema = { type: 'string' },
  isFamily = false,
}: RouteParameter): JsonSchema {
  if (!isFamily) return { name, in: 'query', description, required, schema };
  // An object whose members are parameters of their own, by their own names.
  const members = { type: 'object', patternProperties: { [`^${name}\\.`]: schema }, additionalProperties: false };
  return { name, in: 'query', description, required, style: 'form', explode: true, schema: members };
}

function contentOf(entries: readonly (readonly [string, JsonSchema])[]): JsonSchema {
  return Object.fromEntries(entries.map(([type, schema]) => [type, { schema }]));
}

const PROBLEM_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'error'],
  properties: {
    type: { type: 'string', description: '`urn:thyme:error:` and the stable code, or `about:blank`.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'For people; what to do is in it.' },
    error: { type: 'string', description: 'The same as `detail`.' },
    violations: {
      type: 'array',
      description: 'Every fault of the request, by its place.',
      items: answerSchema({ field: { type: 'string' }, description: { type: 'string' } }),
    },
    errors: {
      type: 'array',
      description: 'Of a push: the refused events.',
      items: answerSchema({ index: { type: 'integer', minimum: 0 }, error: { type: 'string' } }),
    },
    events_sent: { type: 'integer', minimum: 0, description: 'Of a push: the accepted events, which stay accepted.' },
    token: { type: 'string', description: 'Of a push: that of the accepted events.' },
  },
};
