import { create } from '@bufbuild/protobuf';
import { ThymeError } from '../errors/errors.js';
import type { ServiceHandlers } from './handlers.js';
import { Health, HealthCheckResponseSchema, SERVING_STATUS, type HealthCheckResponse, type ServingStatus } from './standard-protos.js';

/**
 * What grpc.health.v1 answers. The empty service name stands for the whole process; a service says
 * SERVING only while it can answer, so that load balancers send it nothing before.
 */
export class HealthRegister {
  readonly #statuses = new Map<string, ServingStatus>([['', SERVING_STATUS.NOT_SERVING]]);
  readonly #watchers = new Set<() => void>();

  set(service: string, status: 'serving' | 'not serving'): void {
    this.#statuses.set(service, status === 'serving' ? SERVING_STATUS.SERVING : SERVING_STATUS.NOT_SERVING);
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
      const status = this.#statuses.get(service) ?? SERVING_STATUS.SERVICE_UNKNOWN;
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
