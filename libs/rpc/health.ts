import { create } from '@bufbuild/protobuf';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
  type Health,
  type HealthCheckResponse,
} from '../../gen/grpc/health/v1/health_pb.js';
import { ThymeError } from '../errors/errors.js';
import type { ServiceHandlers } from './handlers.js';

/**
 * What grpc.health.v1 answers. The empty service name stands for the whole process; a service says
 * SERVING only while it can answer, so that load balancers send it nothing before.
 */
export class HealthRegister {
  readonly #statuses = new Map<string, ServingStatus>([['', ServingStatus.NOT_SERVING]]);
  readonly #watchers = new Set<() => void>();

  set(service: string, status: 'serving' | 'not serving'): void {
    const now = status === 'serving' ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (this.#statuses.get(service) === now) return; // it is said four times a second, and watchers may be many
    this.#statuses.set(service, now);
    for (const wake of [...this.#watchers]) wake();
  }

  handlers(): ServiceHandlers<typeof Health> {
    return {
      check: ({ service }) => {
        const status = this.#statuses.get(service);
        if (status === undefined) throw new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', 'no such service in this process');
        return create(HealthCheckResponseSchema, { status });
      },
      watch: ({ service }, { signal }) => this.#watch(service, signal),
    };
  }

  /** The status now and each later one. One that changes twice before it is read is told once. */
  async *#watch(service: string, signal: AbortSignal): AsyncIterable<HealthCheckResponse> {
    let told: ServingStatus | undefined;
    while (!signal.aborted) {
      const status = this.#statuses.get(service) ?? ServingStatus.SERVICE_UNKNOWN;
      if (status !== told) {
        told = status;
        yield create(HealthCheckResponseSchema, { status });
      } else {
        await this.#change(signal);
      }
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }
}
