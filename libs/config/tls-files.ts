import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { configError, type Env } from './env.js';

/** PEM: the certificate, with those that lead to its authority, and its private key. */
export interface ServerTls {
  readonly key: Uint8Array;
  readonly certificate: Uint8Array;
  /** The certificate of the authority that signs what processes of the deployment show; they then have to show it. */
  readonly clientCa?: Uint8Array;
}

/** How other processes of the deployment are spoken to; `ca` is PEM, the system's authorities when absent. */
export interface PeerTls {
  readonly ca?: Uint8Array;
  /** What this process shows where it is asked: the certificate that it serves by. */
  readonly own?: ServerTls;
}

export interface TlsConfig {
  /** Undefined where this process listens in plain text. */
  readonly tls: ServerTls | undefined;
  /** Undefined where peers are spoken to in plain text: a deployment has TLS everywhere or nowhere. */
  readonly peerTls: PeerTls | undefined;
}

/** Certificates and keys are a few KB; what is larger is some other file. */
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * THYME_TLS_CERT, THYME_TLS_KEY, THYME_TLS_CA and THYME_TLS_CLIENT_CA: files, read once, at the start. What does not fit
 * is refused here, by its variable, and not by the first client that cannot connect.
 */
export function readTlsFiles(env: Env): TlsConfig {
  const [certFile, keyFile, caFile] = [env.optional('THYME_TLS_CERT'), env.optional('THYME_TLS_KEY'), env.optional('THYME_TLS_CA')];
  const ca = caFile === undefined ? undefined : readPem('THYME_TLS_CA', caFile);
  if (ca !== undefined) parseCertificate('THYME_TLS_CA', ca);
  const clientCaFile = env.optional('THYME_TLS_CLIENT_CA');
  if (clientCaFile !== undefined && certFile === undefined)
    throw configError('THYME_TLS_CLIENT_CA', 'goes with THYME_TLS_CERT: who does not speak TLS is shown no certificates');
  if (certFile === undefined && keyFile === undefined) return { tls: undefined, peerTls: ca === undefined ? undefined : { ca } };
  if (certFile === undefined) throw configError('THYME_TLS_CERT', 'must be set beside THYME_TLS_KEY: the PEM file of its certificate');
  if (keyFile === undefined) throw configError('THYME_TLS_KEY', 'must be set beside THYME_TLS_CERT: the PEM file of its private key');
  const clientCa = clientCaFile === undefined ? undefined : readPem('THYME_TLS_CLIENT_CA', clientCaFile);
  if (clientCa !== undefined) parseCertificate('THYME_TLS_CLIENT_CA', clientCa);
  const pair = { certificate: readPem('THYME_TLS_CERT', certFile), key: readPem('THYME_TLS_KEY', keyFile) };
  checkPair(pair);
  const tls = clientCa === undefined ? pair : { ...pair, clientCa };
  return { tls, peerTls: ca === undefined ? { own: pair } : { ca, own: pair } };
}

/** A PEM file that a variable names; what cannot be read is refused by that variable. */
export function readPem(variable: string, file: string): Uint8Array {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= FILE_BYTES_MAX) return bytes;
  } catch (error) {
    throw configError(
      variable,
      `'${file}' cannot be read: ${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'}`,
    );
  }
  throw configError(variable, `'${file}' is larger than ${FILE_BYTES_MAX} bytes: name a PEM file`);
}

export function parseCertificate(variable: string, pem: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw configError(variable, 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  }
}

/** The names and addresses that a certificate is for: by these a server may be asked. */
export function certificateNames({ certificate }: ServerTls): readonly string[] {
  const { subjectAltName = '' } = new X509Certificate(certificate);
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s"]+)/g)].map(([, name = '']) => name);
}

function checkPair({ certificate, key }: ServerTls): void {
  const parsed = parseCertificate('THYME_TLS_CERT', certificate);
  let fits: boolean;
  try {
    fits = parsed.checkPrivateKey(createPrivateKey(Buffer.from(key)));
  } catch {
    throw configError('THYME_TLS_KEY', 'holds no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY-----)');
  }
  if (!fits) throw configError('THYME_TLS_KEY', 'is not the key of the certificate in THYME_TLS_CERT');
}
