import { useState } from 'preact/hooks';
import { ask } from './api.js';
import { useAsked } from './asked.js';
import type { AuthorFunction, CodeAnswer } from './author-code.js';
import { lineDiff, type DiffLine } from './commits/line-diff.js';
import { Problem, Section, State, Table, type Tone } from './parts.js';
import { hrefOf, type Place } from './place.js';
import { instantOf } from './runs/query-run.js';
import { countText } from './words.js';

const COMMITS_SHOWN = 100;

interface Summary {
  readonly id: string;
  readonly created_at: string;
  readonly datasets: number;
  readonly pipelines: number;
  readonly featuresets: number;
}

interface Commit {
  readonly id: string;
  readonly created_at: string;
  readonly bundle_sha256: string;
  readonly code_changed: boolean;
  readonly changes: readonly { readonly kind: string; readonly subject: string; readonly detail: string }[];
}

/** What was committed when; or one commit, with what it changed and, for admins, the code of that. */
export function Commits({ place }: { readonly place: Place }) {
  const id = place.path[1];
  return id === undefined ? <CommitList /> : <CommitDetail key={id} id={id} />;
}

function CommitList() {
  const asked = useAsked(
    (signal) => ask<{ readonly commits: readonly Summary[] }>('/api/v1/commits', { query: { limit: String(COMMITS_SHOWN) }, signal }),
    [],
  );
  return (
    <>
      <h1>Commits</h1>
      {asked.kind === 'failed' && <Problem error={asked.error} />}
      {asked.kind === 'answered' && (
        <Table label="Commits" head={['Commit', 'When', '#Datasets', '#Pipelines', '#Featuresets']}>
          {asked.value.commits.map(({ id, created_at, datasets, pipelines, featuresets }) => (
            <tr key={id}>
              <th scope="row">
                <a href={hrefOf(['commits', id])}>{id}</a>
              </th>
              <td>{instantOf(created_at)}</td>
              {[datasets, pipelines, featuresets].map((count, i) => (
                <td key={i} class="number">
                  {countText(count)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
      {asked.kind === 'answered' && asked.value.commits.length === COMMITS_SHOWN && (
        <p class="quiet">The newest {COMMITS_SHOWN} are shown; earlier ones are found by their numbers in the address.</p>
      )}
    </>
  );
}

const TONES: Readonly<Record<string, Tone>> = { removed: 'warning', breaking: 'error', needs_backfill: 'warning', changed: 'quiet' };

function CommitDetail({ id }: { readonly id: string }) {
  const asked = useAsked((signal) => ask<Commit>(`/api/v1/commits/${encodeURIComponent(id)}`, { signal }), [id]);
  return (
    <>
      <p class="way">
        <a href={hrefOf(['commits'])}>Commits</a> / {id}
      </p>
      <h1>Commit {id}</h1>
      {asked.kind === 'failed' && <Problem error={asked.error} />}
      {asked.kind === 'answered' && <Changes commit={asked.value} />}
    </>
  );
}

function Changes({ commit: { id, created_at, bundle_sha256, code_changed, changes } }: { readonly commit: Commit }) {
  const [isCodeOpen, setCodeOpen] = useState(false);
  return (
    <>
      <p class="quiet">
        {instantOf(created_at)}
        {bundle_sha256 === '' ? '' : `, code ${bundle_sha256.slice(0, 12)}`}
      </p>
      <Section title="What it changed in the definitions">
        {changes.length === 0 && <p class="quiet">Nothing.</p>}
        {changes.length > 0 && (
          <Table label="Changes" head={['What', 'Where', 'How']}>
            {changes.map(({ kind, subject, detail }, i) => (
              <tr key={i}>
                <td>
                  <State tone={TONES[kind] ?? 'good'}>{kind.replaceAll('_', ' ')}</State>
                </td>
                <th scope="row">{subject}</th>
                <td class="words">{detail}</td>
              </tr>
            ))}
          </Table>
        )}
      </Section>
      <Section title="Code">
        {!code_changed && <p class="quiet">It is the code of the commit before.</p>}
        {code_changed && (
          <button type="button" aria-expanded={isCodeOpen} onClick={() => setCodeOpen(!isCodeOpen)}>
            Show what changed
          </button>
        )}
        {isCodeOpen && <ChangedCode id={id} />}
      </Section>
    </>
  );
}

function ChangedCode({ id }: { readonly id: string }) {
  const asked = useAsked((signal) => ask<CodeAnswer>(`/api/v1/commits/${encodeURIComponent(id)}/code`, { signal }), [id]);
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Reading …</p>;
  const { functions } = asked.value;
  if (functions.length === 0) return <p class="quiet">No pipeline and no extractor: what they call may be other code.</p>;
  return (
    <>
      {functions.map((one) => (
        <FunctionDiff key={one.name} {...one} />
      ))}
    </>
  );
}

const MARKS: Readonly<Record<DiffLine['kind'], string>> = { same: '  ', gone: '- ', new: '+ ' };

/** A removed line is told by its mark as well as by its colour. */
function FunctionDiff({ name, code, before }: AuthorFunction) {
  return (
    <section>
      <h3>
        {name} {before === null && <span class="quiet">is new</span>}
      </h3>
      <pre class="diff" tabIndex={0} aria-label={`Code of ${name}`}>
        {lineDiff(before ?? '', code).map(({ kind, text }, i) => (
          <div key={i} class={kind}>
            {MARKS[kind]}
            {text}
          </div>
        ))}
      </pre>
    </section>
  );
}
