import type { GatewayServices } from '../../services/gateway/gateway-services.js';
import { gatewayRoutes } from '../../services/gateway/routes.js';
import type { JsonSchema, Route } from '../../libs/rest/route.js';

/** Members that stand within others are named with a dot between; deeper ones are not told. */
const DEPTH_MAX = 4;

/** Every route, from the table by which requests are routed and OpenAPI is written. */
export function restReference(): string {
  // The cast: routes are described here and never asked, so none of the services is needed.
  const routes = gatewayRoutes({ version: '' } as unknown as GatewayServices);
  const head = [
    '# REST reference',
    'Written from the table that requests are routed by; a deployment has the same at `/openapi.json`. A refusal is `application/problem+json` (RFC 9457) with `type`, `title`, `status` and `detail`; [Errors](errors.md) has the codes.',
    'A key goes in as `Authorization: Bearer KEY`; its scope is named with each route.',
  ];
  return [...head, ...routes.map(routeText)].join('\n\n') + '\n';
}

function routeText({ method, path, scope, summary, parameters = [], body, answers }: Route): string {
  const parts = [`## ${method} ${path.replaceAll('{', '').replaceAll('}', '')}`, `\`${method} ${path}\` · scope ${scope}. ${summary}`];
  if (parameters.length > 0) {
    const rows = parameters.map(({ name, description, required = false, isFamily = false }) =>
      row(isFamily ? `${name}.<field>` : name, required ? 'text, required' : 'text', description),
    );
    parts.push(table(['parameter', 'type', 'what'], rows));
  }
  if (body !== undefined) {
    parts.push(`Body: ${body.types.map((type) => `\`${type}\``).join(', ')}, at most ${body.bytesMax.toLocaleString('en-US')} bytes.`);
    parts.push(membersTable(body.schema));
  }
  for (const [type, schema] of Object.entries(answers)) parts.push(`Answer: \`${type}\``, membersTable(schema));
  return parts.filter((part) => part !== '').join('\n\n');
}

function membersTable(schema: JsonSchema): string {
  const rows = members(schema, '', 1);
  return rows.length === 0 ? '' : table(['member', 'type', 'what'], rows);
}

function members(schema: JsonSchema, prefix: string, depth: number): readonly string[] {
  if (schema['type'] === 'array') return members((schema['items'] ?? {}) as JsonSchema, prefix, depth);
  const properties = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  const required = new Set((schema['required'] ?? []) as readonly string[]);
  return properties.flatMap(([name, member]) => {
    const path = prefix + name;
    const description = typeof member['description'] === 'string' ? member['description'] : '';
    const type = `${typeText(member)}${required.has(name) ? '' : ', optional'}`;
    const within = depth < DEPTH_MAX ? members(member, `${path}.`, depth + 1) : [];
    return [row(path, type, description), ...within];
  });
}

function typeText({ type, anyOf, items, enum: values, const: only, format }: JsonSchema): string {
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(', ');
  if (Array.isArray(anyOf)) return [...new Set((anyOf as readonly JsonSchema[]).map(typeText))].join(' or ');
  if (type === 'array') return `list of ${typeText((items ?? {}) as JsonSchema)}`;
  const text = Array.isArray(type) ? type.join(' or ') : typeof type === 'string' ? type : 'anything';
  return typeof format === 'string' ? `${text} (${format})` : text;
}

function table(heads: readonly string[], rows: readonly string[]): string {
  return [`| ${heads.join(' | ')} |`, `|${heads.map(() => '---').join('|')}|`, ...rows].join('\n');
}

function row(name: string, type: string, description: string): string {
  return `| \`${name}\` | ${type} | ${description.replaceAll('|', '\\|')} |`;
}
