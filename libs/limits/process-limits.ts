// What the servers of a process share, so that no port lets in what another has refused:
//
//   byte-budget.ts      - bytes of requests and answers in flight
//   open-calls.ts       - open calls, by key and by method
//   connections.ts      - connections; descriptor-limit.ts - how many the system allows
import { ByteBudget, BYTES_IN_FLIGHT_MAX } from './byte-budget.js';
import { Connections } from './connections.js';
import { connectionsAllowed, descriptorLimit } from './descriptor-limit.js';
import { OpenCalls } from './open-calls.js';

export interface ProcessLimits {
  readonly bytes: ByteBudget;
  readonly calls: OpenCalls;
  readonly connections: Connections;
}

export function createProcessLimits(options: { readonly bytesInFlightMax?: number; readonly connectionsMax?: number } = {}): ProcessLimits {
  return {
    bytes: new ByteBudget(options.bytesInFlightMax ?? BYTES_IN_FLIGHT_MAX),
    calls: new OpenCalls(),
    connections: new Connections(options.connectionsMax ?? connectionsAllowed(descriptorLimit())),
  };
}

let shared: ProcessLimits | undefined;

/** Those of this process: for servers that are given none of their own. */
export function sharedProcessLimits(): ProcessLimits {
  return (shared ??= createProcessLimits());
}
