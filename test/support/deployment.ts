import type { Processes, StartOptions, ThymeProcess } from './processes.js';

/** The roles as processes of their own over one LevelDB log (DESIGN 10). */
export interface Deployment {
  readonly owner: ThymeProcess;
  readonly query: ThymeProcess;
  readonly gateway: ThymeProcess;
  readonly url: string;
}

const OWNER = ['--roles', 'registry,ingest,aggregator'];

/** Starts them in their order: each names those that it talks to. */
export async function startDeployment(
  processes: Processes,
  name: string,
  partitions: number,
  env: StartOptions['env'] = {},
): Promise<Deployment> {
  const owner = await startOwner(processes, name, { THYME_PARTITIONS: String(partitions), ...env });
  const query = await startQuery(processes, name, owner, env);
  const gateway = await processes.serve(
    processes.subfolder(`${name}-gateway`),
    ['--roles', 'gateway', '--owner', owner.grpcTarget, '--query', query.grpcTarget],
    { env },
  );
  return { owner, query, gateway, url: gateway.restUrl };
}

/** A warm standby of all partitions, with its state to be read over StateService. */
export function startStandby(
  processes: Processes,
  name: string,
  owner: ThymeProcess,
  env: StartOptions['env'] = {},
): Promise<ThymeProcess> {
  return processes.serve(processes.subfolder(`${name}-standby`), ['--roles', 'store-replica', '--owner', owner.grpcTarget], { env });
}

/** On any free port, or again where the killed one was. */
export function startOwner(processes: Processes, name: string, env: StartOptions['env'] = {}): Promise<ThymeProcess> {
  return processes.serve(processes.subfolder(`${name}-owner`), OWNER, { env });
}

export function startQuery(processes: Processes, name: string, owner: ThymeProcess, env: StartOptions['env'] = {}): Promise<ThymeProcess> {
  return processes.serve(processes.subfolder(`${name}-query`), ['--roles', 'query', '--owner', owner.grpcTarget], { env });
}

export function samePort({ grpcTarget }: ThymeProcess): Readonly<Record<string, string>> {
  return { THYME_GRPC_PORT: grpcTarget.slice(grpcTarget.lastIndexOf(':') + 1) };
}
