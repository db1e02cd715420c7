import type { IncomingMessage } from 'node:http';
import { browserRefusal } from '../config/browser-refusal.js';
import { createHostCheck } from '../config/host-names.js';
import { HttpError } from './http-error.js';

/** Throws 403 for what a page in somebody's browser may have sent. */
export type BrowserGuard = (request: IncomingMessage) => void;

/** `allowedHosts` are the server's names beyond those of loopback and the addresses that connections come to. */
export function createBrowserGuard({
  host,
  allowedHosts = [],
  tls,
}: {
  readonly host: string;
  readonly allowedHosts?: readonly string[];
  readonly tls?: object | undefined;
}): BrowserGuard {
  const isOurs = createHostCheck([host, ...allowedHosts]);
  const isTls = tls !== undefined;
  return ({ headers, socket }) => {
    const fetchSite = headers['sec-fetch-site'];
    const refusal = browserRefusal(
      {
        host: headers.host,
        origin: headers.origin,
        fetchSite: Array.isArray(fetchSite) ? fetchSite.join(', ') : fetchSite,
        localAddress: socket.localAddress,
        isTls,
      },
      isOurs,
    );
    if (refusal !== undefined) throw new HttpError(403, refusal);
  };
}
