import { SourceSection } from './catalog/source-section.js';
import { DeadLetters } from './jobs/dead-letters.js';
import { Section, State, Table } from './parts.js';
import { hrefOf, type Place } from './place.js';
import { useRates } from './rates.js';
import type { Status } from './status.js';
import { countText, rateText, spanText } from './words.js';

interface JobsProps {
  readonly place: Place;
  readonly status: Status;
  readonly readMs: number;
}

/** What works in the background: pipelines, what builds new ones from history, sources; and what was set aside. */
export function Jobs({ place, status, readMs }: JobsProps) {
  const { jobs, sources, datasets } = status;
  const rates = useRates(
    new Map([
      ...jobs.map(({ name, progress }) => [`job ${name}`, progress.read] as const),
      ...status.backfills.map(({ job_name, records_ingested }) => [`backfill ${job_name}`, records_ingested] as const),
    ]),
    readMs,
  );
  return (
    <>
      <h1>Jobs and sources</h1>
      <Pipelines status={status} rates={rates} />
      <Backfills status={status} rates={rates} />
      {sources.map((source) => (
        <SourceSection key={source.id} source={source} title={`Source of ${source.dataset}`} />
      ))}
      {datasets.length > 0 && <DeadLetters key={place.query.get('dead') ?? ''} place={place} status={status} />}
    </>
  );
}

interface RatedProps {
  readonly status: Status;
  readonly rates: ReadonlyMap<string, number> | undefined;
}

function Pipelines({ status: { jobs, tasks }, rates }: RatedProps) {
  return (
    <Section title="Pipelines">
      {jobs.length === 0 && <p class="quiet">None is committed.</p>}
      {jobs.length > 0 && (
        <Table
          label="Pipelines"
          head={['Pipeline', 'State', '#Version', '#Partitions', '#Position', '#Behind', '#Records/s', '#Dead letters']}
        >
          {jobs.map(({ name, version, progress, partition_count }) => (
            <tr key={name}>
              <th scope="row">
                <a href={hrefOf(['catalog', 'pipeline', name])}>{name}</a>
              </th>
              <td>
                {progress.paused ? (
                  <State tone="error">paused: too many records in a row failed</State>
                ) : progress.caught_up ? (
                  <State tone="good">live</State>
                ) : (
                  <State tone="quiet">reads its history</State>
                )}
              </td>
              <td class="number">{version}</td>
              <td class="number">{countText(partition_count)}</td>
              <td class="number">{countText(progress.read)}</td>
              <td class="number">{countText(progress.lag)}</td>
              <td class="number">{rates === undefined ? '–' : rateText(rates.get(`job ${name}`) ?? 0)}</td>
              <td class="number">{progress.dead === 0 ? '0' : <State tone="warning">{countText(progress.dead)}</State>}</td>
            </tr>
          ))}
        </Table>
      )}
      {tasks.length > 0 && <p class="quiet">{ticksText(tasks)}</p>}
    </Section>
  );
}

/** Of a large deployment the first ones. */
const PARTITIONS_SHOWN = 16;

function ticksText(tasks: Status['tasks']): string {
  const shown = tasks.slice(0, PARTITIONS_SHOWN).map(({ partition, seq }) => `${partition} at ${countText(seq)}`);
  const more = tasks.length > shown.length ? `, and ${countText(tasks.length - shown.length)} partitions more` : '';
  return `Ticks by partition: ${shown.join(', ')}${more}.`;
}

/** Read from history beside what serves (S18). */
function Backfills({ status: { backfills }, rates }: RatedProps) {
  if (backfills.length === 0) return null;
  return (
    <Section title="Being built from history">
      <Table label="Backfills" head={['Pipeline', 'Reads', 'State', '#Read', '#Left', 'Progress', 'Time left']}>
        {backfills.map(({ job_name, source_dataset, status, records_ingested, records_left }) => {
          const share = records_ingested / Math.max(1, records_ingested + records_left);
          const rate = rates?.get(`backfill ${job_name}`) ?? 0;
          return (
            <tr key={job_name}>
              <th scope="row">{job_name}</th>
              <td>{source_dataset}</td>
              <td>{status}</td>
              <td class="number">{countText(records_ingested)}</td>
              <td class="number">{countText(records_left)}</td>
              <td>
                <progress aria-label={`Progress of ${job_name}`} max="1" value={share} /> {Math.floor(share * 100)} %
              </td>
              <td>{rate > 0 ? spanText((records_left / rate) * 1e6) : 'not known yet'}</td>
            </tr>
          );
        })}
      </Table>
    </Section>
  );
}
