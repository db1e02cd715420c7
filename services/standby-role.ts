import type { StateService } from '../gen/thyme/v1/state_pb.js';
import type { Service } from '../libs/lifecycle/service.js';
import type { Replica } from '../libs/replica/replica.js';
import type { ServiceHandlers } from '../libs/rpc/handlers.js';
import { createReplicas, replicasService, type ReplicasOptions } from './query-role.js';

export interface StandbyRole extends Service {
  readonly state: ServiceHandlers<typeof StateService>;
  isReady(): boolean;
}

export interface StandbyOptions extends ReplicasOptions {
  /** The query service's replicas, where both roles are one process: a partition is kept once. */
  readonly sharing: readonly Replica[] | undefined;
}
export function openStandbyRole(o: StandbyOptions): StandbyRole { throw new Error(String(o)); }
void createReplicas; void replicasService;
