import { AuthorCode } from '../author-code.js';
import { Section, Table } from '../parts.js';
import type { Pipeline, Progress, Status } from '../status.js';
import { aggregationText } from '../travel/windows.js';
import { countText } from '../words.js';
import { Facts, links } from './facts.js';

export function PipelineDetail({ pipeline, status }: { readonly pipeline: Pipeline; readonly status: Status }) {
  const { name, version, input_datasets, output_dataset } = pipeline;
  const job = status.jobs.find((one) => one.name === name);
  const operators = job?.spec.pipeline_spec.operators ?? [];
  const aggregations = operators.flatMap((operator) => operator.aggregations ?? []);
  return (
    <>
      <Facts
        of={pipeline}
        facts={[
          ['Version', version],
          ['Reads', links('dataset', input_datasets)],
          ['Fills', links('dataset', [output_dataset])],
          ['Partitions', job === undefined ? '' : String(job.partition_count)],
        ]}
      />
      <Section title="Steps">
        {operators.length === 0 ? (
          <p class="quiet">Records pass as they are.</p>
        ) : (
          <ol class="steps">
            {operators.map(({ type, text }, i) => (
              <li key={i}>
                <span class="kind">{type}</span> {text}
              </li>
            ))}
          </ol>
        )}
      </Section>
      <AuthorCode key={name} name={name} />
      {aggregations.length > 0 && (
        <Section title="Aggregations">
          <Table label={`Aggregations of ${name}`} head={['Field', 'What it is']}>
            {aggregations.map((aggregation) => (
              <tr key={aggregation.field}>
                <th scope="row">{aggregation.field}</th>
                <td>{aggregationText(aggregation)}</td>
              </tr>
            ))}
          </Table>
        </Section>
      )}
      {job !== undefined && <Books progress={job.progress} />}
    </>
  );
}

/** What became of every record that was read. */
function Books({ progress }: { readonly progress: Progress }) {
  const { read, applied, filtered, late_dropped, outdated, duplicate, dead, erased, lag } = progress;
  const rows: readonly (readonly [string, number])[] = [
    ['Read', read],
    ['Applied', applied],
    ['Filtered', filtered],
    ['Late, left out', late_dropped],
    ['Outdated changes, left out', outdated],
    ['Repeated, left out', duplicate],
    ['Dead letters', dead],
    ['Erased', erased],
    ['Still to be read', lag],
  ];
  return (
    <Section title="What became of its records">
      <Table label="Records" head={['What', '#Records']}>
        {rows.map(([what, count]) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td class="number">{countText(count)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
