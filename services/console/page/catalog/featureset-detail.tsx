import { AuthorCode } from '../author-code.js';
import { Section, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Feature, Featureset, Status } from '../status.js';
import { originOf } from '../travel/windows.js';
import { valueText } from '../words.js';
import { Callers } from './callers.js';
import { Facts, links } from './facts.js';

export function FeaturesetDetail({ featureset, status }: { readonly featureset: Featureset; readonly status: Status }) {
  const { name, version, entity, features, extractors } = featureset;
  const datasets = new Set(features.flatMap(({ reads }) => (reads?.kind === 'dataset' ? [reads.name] : [])));
  const readers = status.featuresets.filter((one) => one.features.some(({ reads }) => reads?.kind === 'featureset' && reads.name === name));
  const isDescribed = features.some(({ description }) => description !== '');
  return (
    <>
      <Facts
        of={featureset}
        facts={[
          ['Entity', entity.join(', ')],
          ['Revision', version],
          ['Reads', links('dataset', [...datasets])],
          [
            'Read by',
            links(
              'featureset',
              readers.map((one) => one.name),
            ),
          ],
          ['Over time', <a href={hrefOf(['travel', name])}>Time travel</a>],
        ]}
      />
      <Section title="Features">
        <Table
          label={`Features of ${name}`}
          head={['Name', 'Type', 'What it is', 'Read by', 'Instead of null', ...(isDescribed ? ['Description'] : [])]}
        >
          {features.map((feature) => (
            <tr key={feature.name}>
              <th scope="row">
                <a href={hrefOf(['lineage', 'featureset', name, feature.name])}>{feature.name}</a>
              </th>
              <td>
                <code>
                  {feature.dtype}
                  {feature.optional ? ', may be null' : ''}
                </code>
              </td>
              <td>{originText(feature, featureset, status)}</td>
              <td class="words">{readersOf(feature, featureset, status).join(', ')}</td>
              <td>{feature.default === null ? '' : valueText(feature.default)}</td>
              {isDescribed && <td class="words">{feature.description}</td>}
            </tr>
          ))}
        </Table>
      </Section>
      {extractors.length > 0 && (
        <Section title="Extractors">
          <Table label={`Extractors of ${name}`} head={['Name', 'Takes', 'Gives']}>
            {extractors.map((extractor) => (
              <tr key={extractor.name}>
                <th scope="row">{extractor.name}</th>
                <td>{extractor.inputs.join(', ')}</td>
                <td>{extractor.outputs.join(', ')}</td>
              </tr>
            ))}
          </Table>
          {extractors.map((extractor) => (
            <AuthorCode key={extractor.name} name={`${name}.${extractor.name}`} />
          ))}
        </Section>
      )}
      <Callers featureset={name} />
    </>
  );
}

/** Extractors that take it, and features of other featuresets that read it. */
function readersOf({ name }: Feature, featureset: Featureset, { featuresets }: Status): readonly string[] {
  return [
    ...featureset.extractors.filter(({ inputs }) => inputs.includes(name)).map((extractor) => extractor.name),
    ...featuresets.flatMap((other) =>
      other.features
        .filter(({ reads }) => reads?.kind === 'featureset' && reads.name === featureset.name && reads.field === name)
        .map((feature) => `${other.name}.${feature.name}`),
    ),
  ];
}

function originText(feature: Feature, featureset: Featureset, status: Status): string {
  if (featureset.entity.includes(feature.name)) return 'the key';
  return feature.input ? 'comes with the request' : originOf(feature, featureset, status).text;
}
