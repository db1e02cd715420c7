import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { composeServices, createCompletion, settlesWithin, type Service } from '../../../libs/lifecycle/service.js';
import { EventRing } from '../../../libs/telemetry/event-ring.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';
import { isTracing, traceHeaders, withSpan } from '../../../libs/telemetry/tracing.js';
import { ManualClock, systemClock } from '../../../libs/time/clock.js';

describe('metrics', () => {
  it('are written as Prometheus reads them', () => {
    const metrics = new MetricsRegistry();
    const counter = metrics.counter({ name: 'thyme_x_total', help: 'Xs.', labels: ['kind'] });
    counter.add({ kind: 'a"b\\c\nd' });
    counter.of({ kind: 'a"b\\c\nd' }).add(2);
    metrics.counter({ name: 'thyme_plain_total', help: 'Plain.' });
    metrics.gauge({ name: 'thyme_y', help: 'Y.' }).set(1.5);
    metrics.gaugeOf({ name: 'thyme_z', help: 'Z.' }, () => 7);
    const histogram = metrics.histogram({ name: 'thyme_s', help: 'S.', bounds: [0.1, 1], labels: ['r'] });
    for (const value of [0.05, 0.1]) histogram.observe(value, { r: 'q' });
    const series = histogram.of({ r: 'q' });
    for (const value of [0.5, 5]) series.observe(value);
    expect(metrics.render().split('\n')).to.include.members([
      '# TYPE thyme_x_total counter',
      'thyme_x_total{kind="a\\"b\\\\c\\nd"} 3',
      'thyme_plain_total 0',
      'thyme_y 1.5',
      'thyme_z 7',
      'thyme_s_bucket{r="q",le="0.1"} 2',
      'thyme_s_bucket{r="q",le="1"} 3',
      'thyme_s_bucket{r="q",le="+Inf"} 4',
      'thyme_s_sum{r="q"} 5.65',
      'thyme_s_count{r="q"} 4',
    ]);
  });

  it('keep their series bounded, and their names their own', () => {
    const metrics = new MetricsRegistry();
    const counter = metrics.counter({ name: 'thyme_x_total', help: 'Xs.', labels: ['kind'] });
    for (let i = 0; i < 3_000; i++) counter.add({ kind: `k${i}` });
    expect(metrics.render().split('\n').length).to.be.below(1_010);
    expect(metrics.render()).to.contain('thyme_x_total{kind="other"} 2000');
    metrics.counter({ name: 'thyme_x_total', help: 'Xs.', labels: ['kind'] }).add({ kind: 'k0' });
    expect(metrics.render()).to.contain('thyme_x_total{kind="k0"} 2');
    expect(() => metrics.gauge({ name: 'thyme_x_total', help: '' })).to.throw('twice');
  });
});

describe('the logger', () => {
  const clock = new ManualClock(1_767_225_600_000_000);

  it('writes one JSON line an entry, errors with their causes', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', clock, write: (line) => lines.push(line) }).with({ service: 'query' });
    logger.debug('unseen');
    logger.error('broke\n', { offset: 2n ** 60n, error: new TypeError('a', { cause: new Error('b') }) });
    expect(lines).to.have.length(1);
    expect(lines[0]?.indexOf('\n')).to.equal((lines[0]?.length ?? 0) - 1);
    const entry = JSON.parse(lines[0] ?? '') as Record<string, Record<string, unknown>>;
    expect(entry).to.deep.include({
      time: '2026-01-01T00:00:00.000Z',
      level: 'error',
      message: 'broke\n',
      service: 'query',
      offset: String(2n ** 60n),
    });
    expect(entry.error).to.include({ name: 'TypeError', message: 'a' });
    expect(entry.error?.cause).to.include({ name: 'Error', message: 'b' });
  });

  it('survives what cannot be printed, and bounds its lines', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', clock, write: (line) => lines.push(line) });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    logger.info('cycle', cycle);
    logger.info('big', { text: 'x'.repeat(1e6) });
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).to.deep.equal(['cycle', 'big']);
    expect(lines[1]?.length).to.be.below(20_000);
  });
});

describe('the event ring', () => {
  it('keeps the newest, and filters', () => {
    const ring = new EventRing(new ManualClock(5));
    for (let i = 0; i < 1_500; i++)
      ring.record({
        eventType: i % 2 === 0 ? 'commit' : 'push',
        severity: i % 3 === 0 ? 'error' : 'info',
        source: 's',
        subject: `x${i % 5}`,
        message: String(i),
        detail: {},
      });
    expect(ring.list({ limit: 2 }).map(({ id }) => id)).to.deep.equal(['1500', '1499']);
    expect(ring.list({ limit: 5_000 })).to.have.length(1_000);
    expect(ring.list({ limit: 1, eventType: 'commit', severity: 'error', subject: 'x0' })[0]).to.include({ message: '1470', createdUs: 5 });
  });
});

describe('spans', () => {
  it('are free of effect without an SDK, and pass results and failures through', async () => {
    expect(await withSpan({ name: 'a', kind: 'internal', parent: new Map([['traceparent', 'x']]) }, () => 5)).to.equal(5);
    expect(
      await withSpan({ name: 'a', kind: 'server' }, () => Promise.reject(new Error('b'))).catch((error: unknown) => error),
    ).to.have.property('message', 'b');
    expect([...traceHeaders()]).to.deep.equal([]);
  });

  it('are wanted once an SDK is registered, and by those who were there before', async () => {
    expect(isTracing()).to.equal(false);
    const begun: string[] = [];
    const noop = trace.getTracer('none');
    trace.setGlobalTracerProvider({
      getTracer: () => ({
        startSpan: (name) => {
          begun.push(name);
          return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
        },
        startActiveSpan: noop.startActiveSpan.bind(noop),
      }),
    });
    try {
      expect(isTracing()).to.equal(true);
      await withSpan({ name: 'a', kind: 'internal' }, () => 5);
      expect(begun).to.deep.equal(['a']);
    } finally {
      trace.disable();
    }
    expect(isTracing()).to.equal(false);
  });
});

describe('composed services', () => {
  function recorder(name: string, journal: string[], failing?: 'start' | 'stop'): Service & { fail(error: Error): void } {
    const done = createCompletion();
    return {
      done: done.promise,
      fail: done.reject,
      start() {
        journal.push(`start ${name}`);
        return failing === 'start' ? Promise.reject(new Error(`${name} cannot start`)) : Promise.resolve();
      },
      stop() {
        journal.push(`stop ${name}`);
        done.resolve();
        return failing === 'stop' ? Promise.reject(new Error(`${name} cannot stop`)) : Promise.resolve();
      },
    };
  }

  it('start in order and stop in reverse, once', async () => {
    const journal: string[] = [];
    const service = composeServices([recorder('a', journal), recorder('b', journal)], systemClock);
    await service.start();
    await Promise.all([service.stop({ graceMs: 10 }), service.stop({ graceMs: 10 })]);
    await service.done;
    expect(journal).to.deep.equal(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('take down what had started when one cannot start', async () => {
    const journal: string[] = [];
    const service = composeServices([recorder('a', journal), recorder('b', journal, 'start'), recorder('c', journal)], systemClock);
    expect(await service.start().catch((error: unknown) => error)).to.have.property('message', 'b cannot start');
    expect(await service.done.catch((error: unknown) => error)).to.have.property('message', 'b cannot start');
    expect(journal).to.deep.equal(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('stop the others when one cannot stop, and end with the first failure of any', async () => {
    const journal: string[] = [];
    const stuck = composeServices([recorder('a', journal), recorder('b', journal, 'stop')], systemClock);
    await stuck.start();
    expect(await stuck.stop({ graceMs: 10 }).catch((error: unknown) => error)).to.have.property('message', 'b cannot stop');
    expect(journal.slice(2)).to.deep.equal(['stop b', 'stop a']);
    const broken = recorder('d', journal);
    const service = composeServices([recorder('c', journal), broken], systemClock);
    await service.start();
    broken.fail(new Error('d fell'));
    expect(await service.done.catch((error: unknown) => error)).to.have.property('message', 'd fell');
  });

  it('wait no longer than they are told', async () => {
    const clock = new ManualClock();
    const waiting = settlesWithin(new Promise(() => undefined), 100, clock);
    clock.advance(100);
    expect(await waiting).to.equal(false);
    expect(await settlesWithin(Promise.reject(new Error('x')), 100, clock)).to.equal(true);
  });
});
