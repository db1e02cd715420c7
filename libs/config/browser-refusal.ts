import { hostOf, type HostCheck } from './host-names.js';

/** What a browser says about a request, and no page can change. */
export interface BrowserHeaders {
  /** `Host` or `:authority`; only HTTP/1.0 has none, which browsers do not speak. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  /** The address of our end of the connection. */
  readonly localAddress: string | undefined;
  readonly isTls: boolean;
}

/**
 * Why a request must not be answered, or undefined: whoever sits at this machine has a browser, and pages of others in it can
 * send requests that come from loopback as his own do (DESIGN 11). Nothing here depends on a key, which a page never has.
 */
export function browserRefusal({ host, origin, fetchSite, localAddress, isTls }: BrowserHeaders, isOurs: HostCheck): string | undefined {
  if (host !== undefined && !isOurs(host, localAddress))
    return `'${host.slice(0, 128)}' is no name of this server: use one that is, or let THYME_ALLOWED_HOSTS name it`;
  if (fetchSite !== undefined && fetchSite !== 'none' && fetchSite !== 'same-origin')
    return 'requests from pages of other sites are refused';
  if (origin !== undefined && !isOwnOrigin(origin, host, isTls)) return 'requests from pages of other origins are refused';
  return undefined;
}

/**
 * A page that this server itself gave out, under the name that it is now asked by. In front of plain text there may be
 * a proxy with TLS.
 */
function isOwnOrigin(origin: string, host: string | undefined, isTls: boolean): boolean {
  const [, scheme, authority] = /^(https?):\/\/([^/@?#]+)$/.exec(origin) ?? [];
  if (host === undefined || authority === undefined || hostOf(authority) === undefined) return false;
  return authority.toLowerCase() === host.toLowerCase() && (scheme === 'https' || !isTls);
}
