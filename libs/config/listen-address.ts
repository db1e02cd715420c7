import { BlockList, isIP } from 'node:net';
import { ThymeError } from '../errors/errors.js';
import { configError } from './env.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** Whether `host:port` is on this machine. */
export function isLoopbackTarget(target: string): boolean {
  return isLoopback(target.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
}

/**
 * Refuses to listen where others can reach an unprotected server (DESIGN 11): an address other than
 * loopback needs TLS and keys, or the explicit word that it does not.
 */
export function assertSafeAddress(options: {
  readonly variable: string;
  readonly host: string;
  readonly hasTls: boolean;
  readonly hasKeys: boolean;
  readonly insecure: boolean;
}): void {
  const { variable, host, hasTls, hasKeys, insecure } = options;
  if (isLoopback(host) || insecure || (hasTls && hasKeys)) return;
  const missing = hasKeys ? 'a TLS certificate is' : hasTls ? 'API keys are' : 'a TLS certificate and API keys are';
  throw configError(
    variable,
    `'${host}' is reachable from other machines and ${missing} missing: configure them (or --keys required), listen on 127.0.0.1, or say --insecure`,
  );
}

/** Where a server is to listen, and which variable says so; `undefined` where it is no variable's to say. */
export interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly portVariable?: string | undefined;
}

/** Why a server cannot listen, in words that say what to do; `error` is what the system gave, or wraps it. */
export function cannotListen({ host, port, portVariable }: ListenAddress, error: unknown): ThymeError {
  const text = error instanceof Error ? error.message : String(error);
  const reason = text.includes('EADDRINUSE')
    ? `another process listens there: stop that one, or ${portVariable === undefined ? 'configure another port' : `set ${portVariable} to another port`} (0 for any that is free)`
    : text.includes('EACCES')
      ? 'this user may not: ports below 1024 need the right to'
      : text.includes('EADDRNOTAVAIL') || text.includes('ENOTFOUND')
        ? 'this machine has no such address'
        : text.slice(0, 256);
  return new ThymeError('THYME_CANNOT_LISTEN', 'FAILED_PRECONDITION', `cannot listen on ${host}:${port}: ${reason}`, [], { cause: error });
}
