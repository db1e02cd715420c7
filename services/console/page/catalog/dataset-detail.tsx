import { Section, State, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Dataset, Intake, Status } from '../status.js';
import { countText } from '../words.js';
import { Facts, links } from './facts.js';
import { NewestRows } from './newest-rows.js';
import { SourceSection } from './source-section.js';

export function DatasetDetail({ dataset, status }: { readonly dataset: Dataset; readonly status: Status }) {
  const { name, version, keys, timestamp, index, publish, cdc, max_lateness, history, fields } = dataset;
  const namesOf = (chosen: Status['pipelines']): readonly string[] => chosen.map((pipeline) => pipeline.name);
  const intake = status.intakes.find((one) => one.dataset === name);
  const readers = status.featuresets.filter(({ features }) =>
    features.some(({ reads }) => reads?.kind === 'dataset' && reads.name === name),
  );
  const source = status.sources.find((one) => one.dataset === name);
  return (
    <>
      <Facts
        of={dataset}
        facts={[
          ['Version', version],
          ['Key', keys.join(', ')],
          ['Event time', timestamp],
          ['Changes', cdc === 'append' ? 'each record is an event' : cdc],
          ['Late after', max_lateness],
          ['Kept', history === '' ? 'for ever' : history],
          ['Indexed', index ? 'rows can be looked up as of any instant' : ''],
          ['Published', publish ? 'rows go to a topic of their own' : ''],
          ['Source', source === undefined ? '' : `${source.connector_type}, ${source.state}`],
          ['Filled by', links('pipeline', namesOf(status.pipelines.filter(({ output_dataset }) => output_dataset === name)))],
          ['Read by', links('pipeline', namesOf(status.pipelines.filter(({ input_datasets }) => input_datasets.includes(name))))],
          [
            'Features of it',
            links(
              'featureset',
              readers.map((featureset) => featureset.name),
            ),
          ],
        ]}
      />
      {source !== undefined && <SourceSection source={source} />}
      {intake !== undefined && <IntakeSection intake={intake} />}
      {(publish || !status.pipelines.some(({ output_dataset }) => output_dataset === name)) && <NewestRows key={name} dataset={dataset} />}
      <Section title="Fields">
        <Table label={`Fields of ${name}`} head={['Name', 'Type', 'Role']}>
          {fields.map((field) => (
            <tr key={field.name}>
              <th scope="row">
                <a href={hrefOf(['lineage', 'dataset', name, field.name])}>{field.name}</a>
              </th>
              <td>
                <code>
                  {field.dtype}
                  {field.optional ? ', may be null' : ''}
                </code>
              </td>
              <td>{keys.includes(field.name) ? 'key' : field.name === timestamp ? 'event time' : ''}</td>
            </tr>
          ))}
        </Table>
      </Section>
    </>
  );
}

function IntakeSection({ intake: { dataset, accepted, refused, ignored_fields, expectations } }: { readonly intake: Intake }) {
  return (
    <Section title="Came in since the start">
      <p>
        {countText(accepted)} records accepted, {countText(refused)} refused, {countText(ignored_fields)} fields that the schema does not
        have. <a href={hrefOf(['jobs'], { dead: dataset })}>Dead letters</a>
      </p>
      {expectations.length > 0 && (
        <Table label="Expectations" head={['Expectation', 'State', '#Checked', '#Passed', '#Wanted']}>
          {expectations.map(({ expectation, holds, checked, failed, mostly }) => (
            <tr key={expectation}>
              <th scope="row">{expectation}</th>
              <td>{holds ? <State tone="good">holds</State> : <State tone="warning">does not hold</State>}</td>
              <td class="number">{countText(checked)}</td>
              <td class="number">{checked === 0 ? '–' : `${(((checked - failed) / checked) * 100).toFixed(2)} %`}</td>
              <td class="number">{`${mostly * 100} %`}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
