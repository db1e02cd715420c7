import { Metadata, ServerInterceptingCall, ServerListenerBuilder, status, type ServerInterceptor } from '@grpc/grpc-js';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import { browserRefusal } from '../config/browser-refusal.js';
import { createHostCheck } from '../config/host-names.js';
import { ThymeError } from '../errors/errors.js';
import type { OpenCalls } from '../limits/open-calls.js';
import type { CallTraffic } from './call-traffic.js';
import { FINGERPRINT_HEADER } from './headers.js';
import { METHOD_SCOPES } from './method-scopes.js';
import { toStatus } from './status.js';

export interface Admission {
  readonly caller: Caller;
  readonly traffic: CallTraffic | undefined;
}

/** Each admitted call, by the metadata object that it carries: clients cannot forge it. */
export type Admissions = WeakMap<Metadata, Admission>;

interface AdmissionOptions {
  readonly admit: Admit;
  readonly admissions: Admissions;
  readonly calls: OpenCalls;
  /** The bytes of the call that is being admitted. */
  readonly entering: () => CallTraffic | undefined;
}

/** Names and values of all request headers together; ours are a key, a trace context and a user agent. */
const METADATA_BYTES_MAX = 8 * 1024;

/**
 * Decides on the resolved method before a message is read: a stranger costs neither memory for
 * 33 MiB of message nor a started handler.
 */
export function admissionInterceptor({ admit, admissions, calls, entering }: AdmissionOptions): ServerInterceptor {
  return ({ path, requestStream }, nextCall) => {
    let caller: Caller | undefined;
    const call = new ServerInterceptingCall(nextCall, {
      start(next) {
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, proceed) => {
              if (metadataBytes(metadata) > METADATA_BYTES_MAX) {
                call.sendStatus({
                  code: status.RESOURCE_EXHAUSTED,
                  details: `request metadata is larger than ${METADATA_BYTES_MAX} bytes`,
                  metadata: new Metadata(),
                });
                return;
              }
              try {
                const admitted = admit(path, metadata, call);
                calls.enterCaller(callerName(admitted));
                caller = admitted;
                admissions.set(metadata, { caller: admitted, traffic: entering() });
              } catch (error) {
                call.sendStatus(toStatus(error));
                return;
              }
              proceed(metadata);
            })
            // It comes once for each call, also for one that was answered.
            .withOnCancel(() => caller !== undefined && calls.leaveCaller(callerName(caller)))
            .withOnReceiveHalfClose((proceed) => (requestStream ? afterReset(proceed) : proceed()))
            .build(),
        );
      },
    });
    return call;
  };
}

/**
 * Runs `proceed` once a reset of the stream would have been noticed. Node ends the readable side of a
 * stream that the client has reset, and only then closes it, by an immediate of its own that comes
 * after our first. Told at once, a handler would take a part of the requests for the whole of them;
 * grpc-js drops `proceed` after a cancellation.
 */
function afterReset(proceed: () => void): void {
  setImmediate(() => setImmediate(proceed));
}

/** Who calls the method, or what refuses him. */
export type Admit = (path: string, metadata: Metadata, call: CallEnds) => Caller;
type CallEnds = Pick<ServerInterceptingCall, 'getHost' | 'getAuthContext' | 'getConnectionInfo'>;

export interface AdmitOptions {
  readonly authorize: Authorize;
  readonly host: string;
  readonly allowedHosts?: readonly string[];
  readonly tls?: object;
}

/** A process of the deployment may call us by whatever name it was told; no browser has its key. */
export function createAdmit({ authorize, host, allowedHosts = [], tls }: AdmitOptions): Admit {
  const isOurs = createHostCheck([host, ...allowedHosts]);
  return (path, metadata, call) => {
    const key = bearerKey(textOf(metadata, 'authorization'));
    const caller = authorize(METHOD_SCOPES.get(path), key, {
      hasCertificate: () => call.getAuthContext().sslPeerCertificate !== undefined,
    });
    if (caller.scopes.has('internal')) return passedOn(caller, metadata);
    const refusal = browserRefusal(
      {
        host: call.getHost(),
        origin: textOf(metadata, 'origin'),
        fetchSite: textOf(metadata, 'sec-fetch-site'),
        localAddress: call.getConnectionInfo().localAddress,
        isTls: tls !== undefined,
      },
      isOurs,
    );
    if (refusal !== undefined) throw new ThymeError('THYME_FOREIGN_HOST', 'PERMISSION_DENIED', refusal);
    return caller;
  };
}

/** By which calls are counted: a process of the deployment that speaks for nobody is no stranger. */
function callerName({ apiKeyFingerprint, scopes }: Caller): string | undefined {
  return apiKeyFingerprint ?? (scopes.has('internal') ? 'internal' : undefined);
}

/** A gateway calls with the internal key and says whose call it passes on; nobody else may say so. */
function passedOn(caller: Caller, metadata: Metadata): Caller {
  const fingerprint = textOf(metadata, FINGERPRINT_HEADER);
  return fingerprint !== undefined && /^[0-9a-f]{8}$/.test(fingerprint) ? { ...caller, apiKeyFingerprint: fingerprint } : caller;
}

function textOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return typeof value === 'string' ? value : undefined;
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += name.length + value.length;
  }
  return bytes;
}
