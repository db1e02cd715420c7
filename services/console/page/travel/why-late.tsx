import { useEffect, useState } from 'preact/hooks';
import { formatTimestamp } from '../../../../libs/time/timestamp.js';
import { useAsked } from '../asked.js';
import { askLate, LateTable, type LateAnswer } from '../late-records.js';
import { Problem, Section } from '../parts.js';
import type { Dataset, Status } from '../status.js';
import { countText } from '../words.js';
import type { Subject } from './subject.js';
import { entityQuery } from './why-rows.js';

interface WhyLateProps {
  /** That makes the value. */
  readonly pipeline: string;
  /** Infinity for everything before. */
  readonly windowUs: number | undefined;
  readonly status: Status;
  readonly subject: Subject;
  readonly atUs: number;
}

/** Records that would lie in the window, had they not come too late: read once somebody wants them, since that takes scope admin. */
export function WhyLate(props: WhyLateProps) {
  const { pipeline, status } = props;
  const [isOpen, setOpen] = useState(false);
  const progress = status.jobs.find(({ name }) => name === pipeline)?.progress;
  const inputs = status.pipelines.find(({ name }) => name === pipeline)?.input_datasets ?? [];
  const datasets = status.datasets.filter(({ name }) => inputs.includes(name));
  if (progress === undefined || datasets.length === 0) return null;
  return (
    <Section title="Too late for it">
      {progress.late_dropped === 0 ? (
        <p class="quiet">No record of any entity has come too late for {pipeline}.</p>
      ) : (
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Show what came too late for this window
        </button>
      )}
      {isOpen &&
        datasets.map((dataset) => <LateOf key={JSON.stringify([dataset.name, props.subject, props.atUs])} {...props} dataset={dataset} />)}
    </Section>
  );
}

/** Of one dataset: while the platform still judges what it holds, it is asked again, and says how far it is. */
function LateOf({ pipeline, windowUs, status, subject, atUs, dataset }: WhyLateProps & { readonly dataset: Dataset }) {
  const [turn, setTurn] = useState(0);
  const output = status.pipelines.find(({ name }) => name === pipeline)?.output_dataset;
  const keys = status.datasets.find(({ name }) => name === output)?.keys;
  const isOfEntity = JSON.stringify(keys) === JSON.stringify(dataset.keys);
  const asked = useAsked(
    (signal) =>
      askLate(
        {
          dataset: dataset.name,
          ...(isOfEntity ? entityQuery(dataset, subject) : {}),
          from: windowUs === undefined || !Number.isFinite(windowUs) ? undefined : formatTimestamp(atUs - windowUs),
          to: formatTimestamp(atUs),
        },
        signal,
      ),
    [turn],
  );
  const more = asked.kind === 'answered' && isFarFromWhole(asked.value);
  useEffect(() => {
    if (more) setTurn(turn + 1);
  }, [asked]);
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Judging {dataset.name} from its first record …</p>;
  return (
    <>
      {!isOfEntity && <p class="quiet">{dataset.name} has another key: these are of all its entities.</p>}
      <LateTable dataset={dataset.name} answer={asked.value} none={`None of ${dataset.name} in this window.`} />
      {more && (
        <p class="quiet" role="status">
          {countText(asked.value.unjudged)} records are still to be judged …
        </p>
      )}
    </>
  );
}

/** What comes in meanwhile is no reason to ask again. */
const UNJUDGED_MAX = 10_000;

function isFarFromWhole({ unjudged }: LateAnswer): boolean {
  return unjudged > UNJUDGED_MAX;
}
