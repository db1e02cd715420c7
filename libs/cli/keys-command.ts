import { parseDurationUs } from '../time/duration.js';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';
import { command, UsageError, type CommandContext } from './command.js';
import { tableLines } from './table-lines.js';

interface Key {
  readonly name: string;
  readonly fingerprint: string;
  readonly scopes: readonly string[];
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

export const keys = command({
  name: 'keys',
  summary: 'create, list and revoke API keys',
  parameters: 'create NAME | list | revoke NAME',
  positionalsMax: 2,
  flags: {
    scopes: { value: 'SCOPES', about: 'read, write and admin, comma-separated; read,write where it is absent' },
    expires: { value: 'WHEN', about: 'a duration such as 30d, or an instant; never where it is absent' },
  },
  examples: ['thyme keys create web --scopes read', 'thyme keys create loader --scopes write --expires 30d', 'thyme keys revoke web'],
  async run({ positionals: [action, name], flags: { scopes = 'read,write', expires } }, context) {
    if (action === 'list') return listKeys(context);
    if (action !== 'create' && action !== 'revoke') throw new UsageError('say create, list or revoke');
    if (name === undefined) throw new UsageError('name the key, such as web-app');
    return action === 'create' ? createKey({ name, scopes, expires }, context) : revokeKey(name, context);
  },
});

interface Wanted {
  readonly name: string;
  readonly scopes: string;
  readonly expires?: string | undefined;
}

/** The key alone goes to standard output, for scripts; nothing shows it again. */
async function createKey({ name, scopes, expires }: Wanted, { client, terminal, json = false }: CommandContext): Promise<void> {
  const { body } = await client.post('/api/v1/keys', {
    name,
    scopes: scopes.split(',').map((scope) => scope.trim()),
    expires_at: expires === undefined ? undefined : expiryOf(expires),
  });
  if (json) {
    terminal.out(JSON.stringify(body, null, 2));
    return;
  }
  const { key, ...made } = body as Key & { readonly key: string };
  terminal.out(key);
  terminal.err(`${describe(made)}: keep the key, it is not shown again`);
}

async function listKeys({ client, terminal, json = false }: CommandContext): Promise<void> {
  const { keys: listed } = (await client.get('/api/v1/keys')).body as { readonly keys: readonly Key[] }; // OpenAPI says so
  if (json) terminal.out(JSON.stringify(listed, null, 2));
  else for (const line of tableLines(['NAME', 'KEY', 'SCOPES', 'CREATED', 'STATE'], listed.map(cellsOf))) terminal.out(line);
}

async function revokeKey(name: string, { client, terminal, json = false }: CommandContext): Promise<void> {
  const { body } = await client.post(`/api/v1/keys/${encodeURIComponent(name)}/revoke`, {});
  terminal.out(json ? JSON.stringify(body, null, 2) : describe(body as Key));
}

function cellsOf({ name, fingerprint, scopes, created_at, expires_at, revoked_at }: Key): readonly string[] {
  const state = revoked_at !== null ? `revoked ${revoked_at}` : expires_at !== null ? `expires ${expires_at}` : '-';
  return [name, fingerprint, scopes.join('+'), created_at, state];
}

function describe({ name, fingerprint, scopes, created_at, expires_at, revoked_at }: Key): string {
  const end = revoked_at !== null ? `, revoked ${revoked_at}` : expires_at !== null ? `, expires ${expires_at}` : '';
  return `${name}  ${fingerprint}  ${scopes.join('+')}  created ${created_at}${end}`;
}

/** `30d` from now, or an instant. */
function expiryOf(text: string): string {
  if (!/^\d+[smhdw]$/.test(text)) return formatTimestamp(parseTimestamp(text));
  return formatTimestamp(Date.now() * 1_000 + parseDurationUs(text));
}
