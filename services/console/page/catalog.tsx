import { useState } from 'preact/hooks';
import { DatasetDetail } from './catalog/dataset-detail.js';
import { FeaturesetDetail } from './catalog/featureset-detail.js';
import { PipelineDetail } from './catalog/pipeline-detail.js';
import { entriesOf, matching, type CatalogEntry } from './catalog/search.js';
import { hrefOf, type Place } from './place.js';
import type { Status } from './status.js';

/** Rows of a list in the page at a time; what lies beyond is found by the search. */
const ROWS_MAX = 200;

/** What is committed, found by names, descriptions, owners, tags, fields and features. */
export function Catalog({ place, status }: { readonly place: Place; readonly status: Status }) {
  const [, kind, name] = place.path;
  if (kind !== undefined && name !== undefined) return <Detail kind={kind} name={name} status={status} />;
  return <Search status={status} />;
}

function Search({ status }: { readonly status: Status }) {
  const [text, setText] = useState('');
  const found = matching(entriesOf(status), text);
  return (
    <>
      <h1>Catalog</h1>
      <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Search names, descriptions, owners, tags, fields and features</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </form>
      <p class="quiet" role="status">
        {found.length === 1 ? '1 definition' : `${found.length} definitions`}
        {status.latest_commit === null ? '; nothing is committed yet' : `, revision ${status.latest_commit.id}`}
        {found.length > ROWS_MAX ? `; the first ${ROWS_MAX} are shown` : ''}
      </p>
      <ul class="entries">
        {found.slice(0, ROWS_MAX).map((entry) => (
          <Entry key={`${entry.kind} ${entry.name}`} entry={entry} />
        ))}
      </ul>
    </>
  );
}

function Entry({ entry: { kind, name, description, owner, tags, deprecated, parts } }: { readonly entry: CatalogEntry }) {
  return (
    <li>
      <span class="kind">{kind}</span>
      <div>
        <a href={hrefOf(['catalog', kind, name])}>{name}</a> {deprecated && <span class="tag">deprecated</span>}
        {tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        <p>{description}</p>
        <p class="quiet words">
          {parts.join(', ')}
          {owner === '' ? '' : ` · ${owner}`}
        </p>
      </div>
    </li>
  );
}

function Detail({ kind, name, status }: { readonly kind: string; readonly name: string; readonly status: Status }) {
  const dataset = kind === 'dataset' ? status.datasets.find((one) => one.name === name) : undefined;
  const pipeline = kind === 'pipeline' ? status.pipelines.find((one) => one.name === name) : undefined;
  const featureset = kind === 'featureset' ? status.featuresets.find((one) => one.name === name) : undefined;
  return (
    <>
      <p class="way">
        <a href={hrefOf(['catalog'])}>Catalog</a> / {kind}
      </p>
      <h1>{name}</h1>
      {dataset !== undefined && <DatasetDetail dataset={dataset} status={status} />}
      {pipeline !== undefined && <PipelineDetail pipeline={pipeline} status={status} />}
      {featureset !== undefined && <FeaturesetDetail featureset={featureset} status={status} />}
      {dataset === undefined && pipeline === undefined && featureset === undefined && (
        <p>The newest revision has no {kind} of that name.</p>
      )}
    </>
  );
}
