import { Metadata, ServerInterceptingCall, ServerListenerBuilder, status, type ServerInterceptor } from '@grpc/grpc-js';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import { FINGERPRINT_HEADER } from './headers.js';
import { METHOD_SCOPES } from './method-scopes.js';
import { toStatus } from './status.js';

/** The caller of each admitted call, by the metadata object that the call carries: clients cannot forge it. */
export type Admissions = WeakMap<Metadata, Caller>;

/** Names and values of all request headers together; ours are a key, a trace context and a user agent. */
const METADATA_BYTES_MAX = 8 * 1024;

/**
 * Decides on the resolved method before a message is read: a stranger costs neither memory for
 * 33 MiB of message nor a started handler.
 */
export function admissionInterceptor(authorize: Authorize, admissions: Admissions): ServerInterceptor {
  return ({ path, requestStream }, nextCall) => {
    const call = new ServerInterceptingCall(nextCall, {
      start(next) {
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, proceed) => {
              if (metadataBytes(metadata) > METADATA_BYTES_MAX) {
                call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: `request metadata is larger than ${METADATA_BYTES_MAX} bytes`, metadata: new Metadata() });
                return;
              }
              try {
                admissions.set(metadata, admit(authorize, path, metadata));
              } catch (error) {
                call.sendStatus(toStatus(error));
                return;
              }
              proceed(metadata);
            })
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

function admit(authorize: Authorize, path: string, metadata: Metadata): Caller {
  const caller = authorize(METHOD_SCOPES.get(path), bearerKey(textOf(metadata, 'authorization')));
  // A gateway calls with its own key and says whose call it passes on; nobody else may say so.
  const passedOn = caller.scopes.has('admin') ? textOf(metadata, FINGERPRINT_HEADER) : undefined;
  return passedOn !== undefined && /^[0-9a-f]{8}$/.test(passedOn) ? { ...caller, apiKeyFingerprint: passedOn } : caller;
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
