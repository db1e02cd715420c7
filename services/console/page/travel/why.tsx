import { useEffect, useRef } from 'preact/hooks';
import { AuthorCode } from '../author-code.js';
import { Section, Table } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Feature, Featureset, Status } from '../status.js';
import { countText, instantText, valueText } from '../words.js';
import type { Exact } from './question.js';
import type { Subject } from './subject.js';
import { WhyLate } from './why-late.js';
import { datasetHref, WhyRows } from './why-rows.js';
import { originOf, readableInputs, type Origin } from './windows.js';

export interface WhyProps {
  readonly feature: Feature;
  readonly featureset: Featureset;
  readonly status: Status;
  readonly subject: Subject;
  readonly atUs: number;
  readonly knownUs: number | undefined;
  readonly exact: Exact | undefined;
  readonly onWhy: (feature: string | undefined) => void;
}

/** Why a value is what it is: the window with its rows, or the extractor with its inputs and code; and the query that answered it. */
export function Why(props: WhyProps) {
  const { feature, featureset, status, exact, onWhy } = props;
  const origin = originOf(feature, featureset, status);
  const place = useRef<HTMLElement | null>(null);
  useEffect(() => place.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <section ref={place} class="why" aria-label={`Why ${feature.name}`}>
      <div class="section-head">
        <h2>
          Why {feature.name} is <span class="words">{exact === undefined ? '…' : valueText(exact.features[feature.name])}</span>
        </h2>
        <button type="button" onClick={() => onWhy(undefined)}>
          Close
        </button>
      </div>
      <WhyFacts {...props} origin={origin} />
      <Made {...props} origin={origin} />
    </section>
  );
}

function WhyFacts({ feature, status, atUs, exact, origin }: WhyProps & { readonly origin: Origin }) {
  const { pipeline, windowUs } = origin;
  const progress = status.jobs.find(({ name }) => name === pipeline)?.progress;
  const from = windowUs === undefined ? undefined : Number.isFinite(windowUs) ? instantText(atUs - windowUs) : 'the beginning';
  return (
    <dl class="facts">
      <Fact name="What it is">{origin.text}</Fact>
      {from !== undefined && (
        <Fact name="Window, both ends included">
          <span class="whole">{from}</span> to <span class="whole">{instantText(atUs)}</span>
        </Fact>
      )}
      {pipeline !== undefined && (
        <Fact name="Pipeline">
          <a href={hrefOf(['catalog', 'pipeline', pipeline])}>{pipeline}</a>
        </Fact>
      )}
      {progress !== undefined && (
        <Fact name="Too late, left out, of all entities">
          {countText(progress.late_dropped)} of {countText(progress.read)} records
        </Fact>
      )}
      {feature.default !== null && <Fact name="Instead of null">{valueText(feature.default)}</Fact>}
      {exact?.runId !== undefined && (
        <Fact name="Answered by">
          <a href={hrefOf(['query-runs', exact.runId])}>query run</a>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Made(props: WhyProps & { readonly origin: Origin }) {
  const { feature, featureset, origin } = props;
  if (feature.reads?.kind === 'dataset') return <MadeOfRows {...props} />;
  if (feature.reads?.kind === 'featureset')
    return (
      <p>
        It is read from <a href={hrefOf(['travel', feature.reads.name])}>{feature.reads.name}</a>.
      </p>
    );
  const extractor = featureset.extractors.find(({ outputs }) => outputs.includes(feature.name));
  if (extractor === undefined)
    return <p>{feature.input ? 'It came with the request.' : featureset.entity.includes(feature.name) ? 'It is the key.' : origin.text}</p>;
  return (
    <>
      <Inputs {...props} names={extractor.inputs} />
      <AuthorCode name={`${featureset.name}.${extractor.name}`} />
    </>
  );
}

/** The rows that its own timeline holds, and those of indexed datasets that they were made from. */
function MadeOfRows({ feature, status, subject, atUs, knownUs, origin }: WhyProps & { readonly origin: Origin }) {
  const { reads } = feature;
  const dataset = status.datasets.find(({ name }) => name === reads?.name);
  if (reads === null || dataset === undefined) return null;
  const question = { subject, atUs, knownUs };
  if (origin.aggregation === undefined) return <WhyRows title={`Rows of ${dataset.name}`} dataset={dataset} {...question} />;
  const { window } = origin.aggregation;
  return (
    <>
      <WhyRows title={`Rows of ${feature.name}`} dataset={dataset} field={reads.field} {...question} />
      <p class="quiet">
        What the pipeline kept of each record: after its steps, and with the columns that this is made of.{' '}
        <a href={datasetHref(dataset)}>{dataset.name}</a>
      </p>
      {readableInputs(feature, origin, status).map((input) => (
        <WhyRows
          key={input.name}
          title={`Rows of ${input.name}`}
          dataset={input}
          {...(window === 'forever' ? {} : { window })}
          {...question}
        />
      ))}
      {origin.pipeline !== undefined && <WhyLate pipeline={origin.pipeline} windowUs={origin.windowUs} status={status} {...question} />}
      {origin.pipeline !== undefined && <AuthorCode name={origin.pipeline} />}
    </>
  );
}

function Inputs({ names, featureset, exact, onWhy }: WhyProps & { readonly names: readonly string[] }) {
  return (
    <Section title="Its inputs">
      <Table label="Inputs" head={['Input', 'Value', 'Why']}>
        {names.map((name) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="words">{exact === undefined ? '…' : valueText(exact.features[name])}</td>
            <td>
              {featureset.features.some((one) => one.name === name && !one.input && !featureset.entity.includes(name)) && (
                <button type="button" class="why-button" aria-label={`why ${name}`} onClick={() => onWhy(name)}>
                  why
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
