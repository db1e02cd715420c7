import { createSecureContext } from 'node:tls';
import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { TLS_SETTINGS } from '../config/tls-settings.js';

/** PEM. */
export interface RpcServerTls {
  readonly key: Uint8Array;
  readonly certificate: Uint8Array;
  /**
   * The certificate of the authority whose certificates processes of the deployment show. Clients need none: what asks
   * for one is admission.
   */
  readonly clientCa?: Uint8Array;
}

/** PEM. */
export interface RpcChannelTls {
  /** The system's authorities when absent. */
  readonly ca?: Uint8Array;
  /** What this process shows of itself, to a server that asks. */
  readonly own?: { readonly key: Uint8Array; readonly certificate: Uint8Array };
}

export function serverCredentials(tls: RpcServerTls | undefined): ServerCredentials {
  return tls === undefined ? ServerCredentials.createInsecure() : new TlsServerCredentials(tls);
}

export function channelCredentials(tls: RpcChannelTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, own } = tls;
  return credentials.createFromSecureContext(
    createSecureContext({
      ...TLS_SETTINGS,
      ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      ...(own === undefined ? {} : { key: Buffer.from(own.key), cert: Buffer.from(own.certificate) }),
    }),
  );
}

/** grpc-js knows certificates of clients as needed by all or asked of none, and ciphers from the environment only. */
class TlsServerCredentials extends ServerCredentials {
  constructor({ key, certificate, clientCa }: RpcServerTls) {
    super(
      { ...TLS_SETTINGS, requestCert: clientCa !== undefined, rejectUnauthorized: false },
      { key: Buffer.from(key), cert: Buffer.from(certificate), ...(clientCa === undefined ? {} : { ca: Buffer.from(clientCa) }) },
    );
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
