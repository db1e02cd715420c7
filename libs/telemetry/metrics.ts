/** Label values by name, the names being those that the metric was made with. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels?: Labels, by?: number): void;
  /** The series of these labels, for who counts there often: it is looked for once. */
  of(labels: Labels): CounterSeries;
}

export interface CounterSeries {
  add(by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
  /** As of a counter. */
  of(labels: Labels): HistogramSeries;
}

export interface HistogramSeries {
  observe(value: number): void;
}

interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/**
 * Series of one metric. Label values may come from requests (a featureset's name), so their number
 * is bounded: what comes later is counted together, under the label value `other`.
 */
const SERIES_MAX = 1_000;
const OVERFLOW_VALUE = 'other';
/** A value that holds it may be counted as another's. */
const VALUE_END = '\0';

/** Seconds; from a local lookup to a slow training set. */
export const LATENCY_BUCKETS_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/**
 * The process's metrics, written in Prometheus's text format. Who asks for a counter, gauge or
 * histogram that is there already gets that one: two REST servers count together.
 */
export class MetricsRegistry {
  readonly #metrics = new Map<string, { readonly head: string; readonly lines: () => Iterable<string> }>();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  counter(options: MetricOptions): Counter {
    return this.#shared(this.#counters, options.name, () => this.#createCounter(options));
  }

  gauge(options: MetricOptions): Gauge {
    return this.#shared(this.#gauges, options.name, () => this.#createGauge(options));
  }

  /** A gauge that is read when it is asked for. */
  gaugeOf(options: Omit<MetricOptions, 'labels'>, read: () => number): void {
    this.#register(options, 'gauge', () => [`${options.name} ${read()}`]);
  }

  /** Series that somebody else counts, read when they are asked for; each value comes with its labels. */
  seriesOf(kind: 'counter' | 'gauge', options: MetricOptions, read: () => Iterable<readonly [Labels, number]>): void {
    this.#register(options, kind, () => {
      const series = new SeriesMap(options, () => ({ value: 0 }));
      for (const [labels, value] of read()) series.at(labels).value += value;
      return series.map(({ value }, text) => [`${options.name}${text} ${value}`]);
    });
  }

  /** `bounds` are the buckets' upper ends, ascending. */
  histogram(options: MetricOptions & { readonly bounds: readonly number[] }): Histogram {
    return this.#shared(this.#histograms, options.name, () => this.#createHistogram(options));
  }

  /** Content type `text/plain; version=0.0.4`. */
  render(): string {
    return [...this.#metrics.values()].map(({ head, lines }) => `${[head, ...lines()].join('\n')}\n`).join('');
  }

  #shared<Metric>(known: Map<string, Metric>, name: string, make: () => Metric): Metric {
    const metric = known.get(name) ?? make();
    known.set(name, metric);
    return metric;
  }

  #createCounter(options: MetricOptions): Counter {
    const series = new SeriesMap(options, () => ({ value: 0 }));
    this.#register(options, 'counter', () => series.map(({ value }, text) => [`${options.name}${text} ${value}`]));
    return {
      add: (labels = {}, by = 1) => {
        series.at(labels).value += by;
      },
      of: (labels) => {
        const state = series.at(labels);
        return { add: (by = 1) => void (state.value += by) };
      },
    };
  }

  #createGauge(options: MetricOptions): Gauge {
    const series = new SeriesMap(options, () => ({ value: 0 }));
    this.#register(options, 'gauge', () => series.map(({ value }, text) => [`${options.name}${text} ${value}`]));
    return {
      set: (value, labels = {}) => {
        series.at(labels).value = value;
      },
    };
  }

  #createHistogram(options: MetricOptions & { readonly bounds: readonly number[] }): Histogram {
    const { name, bounds } = options;
    const series = new SeriesMap(options, () => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }));
    this.#register(options, 'histogram', () =>
      series.map(({ counts, sum, count }, text) => [
        ...bounds.map((bound, i) => `${name}_bucket${withLabel(text, 'le', String(bound))} ${upTo(counts, i)}`),
        `${name}_bucket${withLabel(text, 'le', '+Inf')} ${count}`,
        `${name}_sum${text} ${sum}`,
        `${name}_count${text} ${count}`,
      ]),
    );
    return {
      observe: (value, labels = {}) => observe(series.at(labels), bounds, value),
      of: (labels) => {
        const state = series.at(labels);
        return { observe: (value) => observe(state, bounds, value) };
      },
    };
  }

  #register({ name, help }: MetricOptions, type: string, lines: () => Iterable<string>): void {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new TypeError(`'${name}' is no metric name`);
    if (this.#metrics.has(name)) throw new TypeError(`metric ${name} is registered twice, as something else`);
    this.#metrics.set(name, { head: `# HELP ${name} ${help.replace(/[\\\n]/g, ' ')}\n# TYPE ${name} ${type}`, lines });
  }
}

interface HistogramState {
  readonly counts: number[];
  sum: number;
  count: number;
}

function observe(state: HistogramState, bounds: readonly number[], value: number): void {
  state.sum += value;
  state.count += 1;
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
  if (bucket < bounds.length) state.counts[bucket] = (state.counts[bucket] ?? 0) + 1;
}

/** The format wants of each bucket what the faster ones have counted as well. */
function upTo(counts: readonly number[], bucket: number): number {
  return counts.slice(0, bucket + 1).reduce((sum, count) => sum + count, 0);
}

/** The states of a metric by their label text, such as `{method="Query"}`. */
class SeriesMap<State> {
  readonly #states = new Map<string, State>();
  /** The same by the labels' bare values, so that a label text is made once. */
  readonly #byValues = new Map<string, State>();
  readonly #names: readonly string[];
  readonly #empty: () => State;

  constructor(options: MetricOptions, empty: () => State) {
    this.#names = options.labels ?? [];
    this.#empty = empty;
    if (this.#names.length === 0) this.#states.set('', empty()); // shown as 0 before the first event
  }

  at(labels: Labels): State {
    let values = '';
    for (const name of this.#names) values += `${labels[name] ?? ''}${VALUE_END}`;
    let state = this.#byValues.get(values);
    if (state === undefined) {
      state = this.#find(labels);
      if (this.#byValues.size < SERIES_MAX) this.#byValues.set(values, state);
    }
    return state;
  }

  #find(labels: Labels): State {
    const text = this.#text((name) => labels[name] ?? '');
    const known = this.#states.get(text);
    if (known !== undefined) return known;
    const key = this.#states.size < SERIES_MAX ? text : this.#text(() => OVERFLOW_VALUE);
    const state = this.#states.get(key) ?? this.#empty();
    this.#states.set(key, state);
    return state;
  }

  *map(lines: (state: State, text: string) => readonly string[]): Iterable<string> {
    for (const [text, state] of this.#states) yield* lines(state, text);
  }

  #text(valueOf: (name: string) => string): string {
    return this.#names.reduce((text, name) => withLabel(text, name, valueOf(name)), '');
  }
}

function withLabel(text: string, name: string, value: string): string {
  const escaped = value.slice(0, 200).replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
  return text === '' ? `{${name}="${escaped}"}` : `${text.slice(0, -1)},${name}="${escaped}"}`;
}
