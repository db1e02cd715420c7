import { useState } from 'preact/hooks';
import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import { Problem, Section, State, Table } from '../parts.js';
import { hrefOf, type Place } from '../place.js';
import { instantOf } from '../runs/query-run.js';
import type { Status } from '../status.js';
import { countText } from '../words.js';

const LETTERS_PER_PAGE = 20;

export interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly version: number;
  readonly at: string;
  readonly record: string;
  readonly truncated: boolean;
  readonly producer_id: string | null;
  readonly sequence: number | null;
  readonly place: string | null;
  readonly pipeline: string | null;
}

interface LettersAnswer {
  readonly dead_letters: readonly Letter[];
  readonly next_cursor: string | null;
}

/** What was set aside of a dataset, with its content: read when somebody chooses the dataset, since it takes scope admin. */
export function DeadLetters({ place, status }: { readonly place: Place; readonly status: Status }) {
  const dataset = place.query.get('dead') ?? '';
  const cursor = place.query.get('cursor');
  return (
    <Section title="Dead letters">
      <form class="ask" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Of dataset</span>
          <select value={dataset} onChange={(event) => void (location.hash = hrefOf(['jobs'], { dead: event.currentTarget.value }))}>
            <option value="">none chosen</option>
            {status.datasets.map(({ name }) => (
              <option key={name} value={name}>
                {name}
                {refusedText(status, name)}
              </option>
            ))}
          </select>
        </label>
      </form>
      {dataset !== '' && <Letters key={`${dataset} ${cursor ?? ''}`} dataset={dataset} cursor={cursor} />}
    </Section>
  );
}

function refusedText({ intakes, jobs, pipelines }: Status, dataset: string): string {
  const refused = intakes.find((intake) => intake.dataset === dataset)?.refused ?? 0;
  const readers = pipelines.filter(({ input_datasets }) => input_datasets.includes(dataset)).map(({ name }) => name);
  const dead = jobs.reduce((sum, { name, progress }) => sum + (readers.includes(name) ? progress.dead : 0), 0);
  return refused + dead === 0 ? '' : ` (${countText(refused + dead)})`;
}

function Letters({ dataset, cursor }: { readonly dataset: string; readonly cursor: string | undefined }) {
  const [turn, setTurn] = useState(0);
  const [chosen, choose] = useState<Letter | undefined>(undefined);
  const asked = useAsked(
    (signal) => ask<LettersAnswer>('/api/v1/dead-letters', { query: { dataset, limit: String(LETTERS_PER_PAGE), cursor }, signal }),
    [turn],
  );
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Reading …</p>;
  const { dead_letters: letters, next_cursor: next } = asked.value;
  return (
    <>
      {letters.length === 0 && <p class="quiet">There is none here.</p>}
      {letters.length > 0 && (
        <Table label={`Dead letters of ${dataset}`} head={['Set aside', 'Why', 'Where', 'Record']}>
          {letters.map((letter) => (
            <tr key={letter.id}>
              <th scope="row">
                <button
                  type="button"
                  aria-expanded={chosen?.id === letter.id}
                  onClick={() => choose(chosen?.id === letter.id ? undefined : letter)}
                >
                  {instantOf(letter.at)}
                </button>
              </th>
              <td class="words">{letter.reason}</td>
              <td class="words">{whereText(letter)}</td>
              <td class="words">
                <code>{letter.record.slice(0, 120)}</code>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <p class="pages">
        {cursor !== undefined && <a href={hrefOf(['jobs'], { dead: dataset })}>Newest</a>}
        {next !== null && <a href={hrefOf(['jobs'], { dead: dataset, cursor: next })}>Older</a>}
        <button type="button" onClick={() => setTurn(turn + 1)}>
          Read again
        </button>
      </p>
      {chosen !== undefined && <Mending key={chosen.id} dataset={dataset} letter={chosen} />}
    </>
  );
}

function whereText({ pipeline, place, producer_id, sequence }: Letter): string {
  if (pipeline !== null) return `in ${pipeline}`;
  if (place !== null) return `at ${place}`;
  return producer_id === null ? 'pushed' : `pushed by ${producer_id}, sequence ${sequence ?? ''}`;
}

type Told = { readonly kind: 'nothing' | 'pushing' | 'pushed' } | { readonly kind: 'failed'; readonly error: Error };

/** A letter as it stands, to be mended and pushed again; the platform judges it, in its own words. */
function Mending({ dataset, letter }: { readonly dataset: string; readonly letter: Letter }) {
  const [text, setText] = useState(() => readable(letter.record));
  const [isHistorical, setHistorical] = useState(false);
  const [told, setTold] = useState<Told>({ kind: 'nothing' });
  const push = async (): Promise<void> => {
    setTold({ kind: 'pushing' });
    try {
      const body = { dataset: `${dataset}@${letter.version}`, event: eventOf(text), historical: isHistorical };
      await ask(`/api/v1/dead-letters/${encodeURIComponent(letter.id)}/push`, { body });
      setTold({ kind: 'pushed' });
    } catch (error) {
      setTold({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  return (
    <form
      class="mending"
      onSubmit={(event) => {
        event.preventDefault();
        void push();
      }}
    >
      <label>
        <span>The record{letter.truncated ? ', which was cut: write it whole' : ''}</span>
        <textarea rows={8} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {letter.pipeline === null ? (
        <>
          <label class="check">
            <input type="checkbox" checked={isHistorical} onChange={(event) => setHistorical(event.currentTarget.checked)} />
            <span>it is history: never late, and known at its own time</span>
          </label>
          <button type="submit" disabled={told.kind === 'pushing'}>
            Push again
          </button>
        </>
      ) : (
        <p class="quiet">
          It is in the dataset, and failed in a pipeline: mend that, and raise its version. Pushed again it would count twice.
        </p>
      )}
      {told.kind === 'pushed' && (
        <p role="status">
          <State tone="good">It was taken. However often it is pushed again, it counts once.</State>
        </p>
      )}
      {told.kind === 'failed' && <Problem error={told.error} />}
    </form>
  );
}

/** Indented where it is whole JSON. */
function readable(record: string): string {
  try {
    return JSON.stringify(JSON.parse(record), null, 2);
  } catch {
    return record;
  }
}

function eventOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`this is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
