import { SOURCE_TONES } from './catalog/source-section.js';
import { findTroubles } from './overview/troubles.js';
import { Section, State, Table } from './parts.js';
import { hrefOf } from './place.js';
import { useRates } from './rates.js';
import type { PlatformEvent, Status, Timing } from './status.js';
import { agoText, countText, msText, rateText, shortText } from './words.js';
import { parseTimestamp } from '../../../libs/time/timestamp.js';

interface OverviewProps {
  readonly status: Status;
  readonly readMs: number;
}

/** Is everything well? What is wrong comes first; what goes on, below. */
export function Overview({ status, readMs }: OverviewProps) {
  const accepted = sumOf(status.intakes, (intake) => intake.accepted);
  const applied = sumOf(status.jobs, ({ progress }) => progress.applied);
  const rates = useRates(
    new Map([
      ['accepted', accepted],
      ['applied', applied],
    ]),
    readMs,
  );
  const troubles = findTroubles(status);
  const timing = (name: Timing['name']): Timing | undefined => status.timings.find((one) => one.name === name);
  const [query, freshness] = [timing('query'), timing('freshness')];
  return (
    <>
      <h1>Overview</h1>
      <section aria-label="What is wrong" class="verdict">
        {troubles.length === 0 ? (
          <p class="all-well">
            <State tone="good">Everything is well</State>
          </p>
        ) : (
          <ul>
            {troubles.map(({ tone, text, href }) => (
              <li key={text}>
                <State tone={tone}>{href === undefined ? text : <a href={href}>{text}</a>}</State>
              </li>
            ))}
          </ul>
        )}
      </section>
      <dl class="figures">
        <Figure name="Records in" value={rateOf(rates, 'accepted')} note={`${shortText(accepted)} since the start`} />
        <Figure name="Applied" value={rateOf(rates, 'applied')} note={`${shortText(applied)} in all`} />
        <Figure name="Refused" value={countText(sumOf(status.intakes, ({ refused }) => refused))} note="since the start" />
        <Figure name="Late" value={countText(sumOf(status.jobs, ({ progress }) => progress.late_dropped))} note="left out" />
        <Figure name="Queries a minute" value={query === undefined ? '–' : countText(query.count)} note={latencyNote(query)} />
        <Figure name="Freshness" value={msText(freshness?.p50_ms ?? null)} note={`p99 ${msText(freshness?.p99_ms ?? null)}`} />
      </dl>
      <Pipelines status={status} />
      {status.sources.length > 0 && <Sources status={status} />}
      <Partitions status={status} />
      <Events events={status.recent_events} />
    </>
  );
}

function rateOf(rates: ReadonlyMap<string, number> | undefined, name: string): string {
  return rates === undefined ? '–' : `${rateText(rates.get(name) ?? 0)}/s`;
}

function latencyNote(timing: Timing | undefined): string {
  return timing === undefined || timing.p50_ms === null
    ? 'none in the last minute'
    : `p50 ${msText(timing.p50_ms)}, p99 ${msText(timing.p99_ms)}`;
}

function Figure({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="figure">{value}</dd>
      <dd class="note-line">{note}</dd>
    </div>
  );
}

function Pipelines({ status }: { readonly status: Status }) {
  if (status.jobs.length === 0) return null;
  return (
    <Section title="Pipelines">
      <Table label="Pipelines" head={['Pipeline', 'State', '#Behind', '#Read', '#Applied', '#Filtered', '#Late', '#Repeated', '#Dead']}>
        {status.jobs.map(({ name, progress }) => (
          <tr key={name}>
            <th scope="row">
              <a href={hrefOf(['catalog', 'pipeline', name])}>{name}</a>
            </th>
            <td>
              <PipelineState caughtUp={progress.caught_up} paused={progress.paused} />
            </td>
            {[progress.lag, progress.read, progress.applied, progress.filtered, progress.late_dropped, progress.duplicate].map(
              (count, i) => (
                <td key={i} class="number">
                  {countText(count)}
                </td>
              ),
            )}
            <td class="number">{progress.dead > 0 ? <State tone="warning">{countText(progress.dead)}</State> : '0'}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function PipelineState({ caughtUp, paused }: { readonly caughtUp: boolean; readonly paused: boolean }) {
  if (paused) return <State tone="quiet">paused</State>;
  return caughtUp ? <State tone="good">live</State> : <State tone="quiet">reads its history</State>;
}

function Sources({ status }: { readonly status: Status }) {
  return (
    <Section title="Sources">
      <Table label="Sources" head={['Dataset', 'Connector', 'State', '#Rows', '#Rows/s', '#Refused', '#Behind', 'Cause']}>
        {status.sources.map(({ id, dataset, connector_type, state, rows, rows_per_s, refused, lag, cause }) => (
          <tr key={id}>
            <th scope="row">
              <a href={hrefOf(['catalog', 'dataset', dataset])}>{dataset}</a>
            </th>
            <td>{connector_type}</td>
            <td>
              <State tone={SOURCE_TONES[state] ?? 'good'}>{state}</State>
            </td>
            <td class="number">{countText(rows)}</td>
            <td class="number">{rateText(rows_per_s)}</td>
            <td class="number">{countText(refused)}</td>
            <td class="number">
              {lag.seconds === null ? (lag.rows === null ? '–' : `${countText(lag.rows)} rows`) : `${Math.round(lag.seconds)} s`}
            </td>
            <td class="words">{cause ?? ''}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function Partitions({ status }: { readonly status: Status }) {
  return (
    <Section title="Partitions">
      <Table label="Partitions" head={['Partition', '#Owner epoch', '#Tick', '#Revision']}>
        {status.tasks.map(({ partition, epoch, seq, revision }) => (
          <tr key={partition}>
            <th scope="row">{partition}</th>
            {[epoch, seq, revision].map((number, i) => (
              <td key={i} class="number">
                {countText(number)}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </Section>
  );
}

const EVENT_TONES = { info: 'quiet', warning: 'warning', error: 'error' } as const;

function Events({ events }: { readonly events: readonly PlatformEvent[] }) {
  return (
    <Section title="Recent events">
      {events.length === 0 ? (
        <p class="quiet">Nothing happened since this process started.</p>
      ) : (
        <ul class="events">
          {events.map(({ id, severity, message, subject, created_at }) => (
            <li key={id}>
              <State tone={EVENT_TONES[severity]}>{message}</State>
              <span class="quiet">
                {subject} · <time dateTime={created_at}>{agoText(parseTimestamp(created_at))}</time>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
