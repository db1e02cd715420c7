import {
  LATENCY_BUCKETS_SECONDS,
  type Counter,
  type CounterSeries,
  type Histogram,
  type HistogramSeries,
  type MetricsRegistry,
} from '../telemetry/metrics.js';
import type { Route } from './route.js';

const METHODS: readonly string[] = ['other', 'GET', 'POST', 'HEAD'];
/** Where no route was found: a path is a stranger's choice, and no label. */
const NO_ROUTE = 'none';

/** Counts requests, each in a series that is looked for once: labels, made and joined for every request, cost more than to count. */
export class RouteMeters {
  readonly #total: Counter;
  readonly #seconds: Histogram;
  readonly #meters = new Map<Route | undefined, RouteMeter>();

  constructor(metrics: MetricsRegistry) {
    this.#total = metrics.counter({
      name: 'thyme_http_requests_total',
      help: 'HTTP requests by outcome.',
      labels: ['method', 'route', 'status'],
    });
    this.#seconds = metrics.histogram({
      name: 'thyme_http_seconds',
      help: 'Duration of HTTP requests.',
      labels: ['route'],
      bounds: LATENCY_BUCKETS_SECONDS,
    });
  }

  count(route: Route | undefined, method: string | undefined, answered: { readonly status: number; readonly seconds: number }): void {
    let meter = this.#meters.get(route);
    if (meter === undefined) {
      meter = new RouteMeter(route?.path ?? NO_ROUTE, this.#total, this.#seconds);
      this.#meters.set(route, meter);
    }
    meter.count(method, answered);
  }
}

class RouteMeter {
  readonly #route: string;
  readonly #total: Counter;
  readonly #seconds: HistogramSeries;
  /** By method and status. */
  readonly #totals = new Map<number, CounterSeries>();

  constructor(route: string, total: Counter, seconds: Histogram) {
    this.#route = route;
    this.#total = total;
    this.#seconds = seconds.of({ route });
  }

  count(method: string | undefined, { status, seconds }: { readonly status: number; readonly seconds: number }): void {
    const known = Math.max(0, METHODS.indexOf(method ?? ''));
    const place = status * METHODS.length + known;
    let total = this.#totals.get(place);
    if (total === undefined) {
      total = this.#total.of({ method: METHODS[known] ?? '', route: this.#route, status: String(status) });
      this.#totals.set(place, total);
    }
    total.add();
    this.#seconds.observe(seconds);
  }
}
