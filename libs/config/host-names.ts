import { isIP } from 'node:net';
import { configError } from './env.js';
import { isLoopback } from './listen-address.js';

/** Whether a `Host` header or gRPC's `:authority`, on a connection to this address of ours, means this server. */
export type HostCheck = (authority: string, localAddress: string | undefined) => boolean;

/** Spellings that were found to be ours and need no parsing again; few clients write more than one. */
const REMEMBERED_MAX = 256;
const AUTHORITY_LENGTH_MAX = 261;
const NAMES_MAX = 1_000;

/**
 * The names under which a server is asked. A name that is not among them may have been made to point here by somebody else, whose
 * page in a browser could then read the answers (DNS rebinding). An address cannot be made to: that of loopback, or the one that the
 * connection came to, is always right, which is how probes ask. Ports are not compared: proxies and containers map them.
 */
export function createHostCheck(names: readonly string[]): HostCheck {
  const exact = new Set(names.filter((name) => !name.startsWith('*.')).map(normalized));
  const suffixes = names.filter((name) => name.startsWith('*.')).map((name) => normalized(name).slice(1));
  const remembered = new Map<string, string | undefined>();
  return (authority, localAddress) => {
    if (remembered.has(authority)) {
      const boundTo = remembered.get(authority);
      if (boundTo === undefined || boundTo === localAddress) return true;
    }
    const host = hostOf(authority);
    if (host === undefined) return false;
    const isNamed = isLoopback(host) || exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix) && host.length > suffix.length);
    if (!isNamed && !isSameAddress(host, localAddress)) return false;
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(authority, isNamed ? undefined : localAddress);
    return true;
  };
}

/** Checks names that an operator has configured: `thyme.example.com`, `*.thyme.svc` for all below it, or an address. */
export function parseHostNames(names: readonly string[], variable: string): readonly string[] {
  if (names.length > NAMES_MAX) throw configError(variable, `holds ${names.length} names; at most ${NAMES_MAX} are allowed`);
  for (const name of names) {
    const bare = name.replace(/^\*\./, '');
    if (isIP(bare.replace(/^\[|\]$/g, '')) === 0 && !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(bare))
      throw configError(
        variable,
        `'${name.slice(0, 64)}' is no host name: write it without scheme and port, as thyme.example.com or *.thyme.svc`,
      );
  }
  return names;
}

/** The host of `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`, lower case and without brackets; undefined for anything else. */
export function hostOf(authority: string): string | undefined {
  if (authority.length > AUTHORITY_LENGTH_MAX) return undefined;
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/i.exec(authority) ?? [];
  return name === undefined ? undefined : normalized(name);
}

function normalized(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isSameAddress(host: string, localAddress: string | undefined): boolean {
  // A socket that listens on all addresses of both families calls those of IPv4 ::ffff:1.2.3.4.
  return localAddress !== undefined && isIP(host) !== 0 && host === localAddress.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
}
