import { useState } from 'preact/hooks';
import { parseTimestamp } from '../../../../libs/time/timestamp.js';
import { ask } from '../api.js';
import { Problem, Section, State, type Tone } from '../parts.js';
import type { Source } from '../status.js';
import { countText, instantText, rateText } from '../words.js';

export const SOURCE_TONES: Readonly<Record<string, Tone>> = {
  stopped: 'error',
  retrying: 'warning',
  unknown: 'warning',
  paused: 'quiet',
  elsewhere: 'quiet',
};

interface TestAnswer {
  readonly steps: readonly { readonly what: string; readonly ok: boolean; readonly detail: string }[];
  readonly sample: string | null;
}

type Told =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'done'; readonly what: string }
  | { readonly kind: 'tested'; readonly answer: TestAnswer }
  | { readonly kind: 'failed'; readonly error: Error };

/** What fills a dataset from outside: how it does, and what a person can tell it. */
export function SourceSection({ source, title = 'Source' }: { readonly source: Source; readonly title?: string }) {
  const [told, setTold] = useState<Told>({ kind: 'nothing' });
  const { dataset, state } = source;
  const tell = async (work: () => Promise<Told>): Promise<void> => {
    setTold({ kind: 'asking' });
    setTold(
      await work().catch((error: unknown): Told => ({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) })),
    );
  };
  const post = <T,>(word: string): Promise<T> => ask<T>(`/api/v1/sources/${encodeURIComponent(dataset)}/${word}`, { body: {} });
  const pausing = state === 'paused' ? 'resume' : 'pause';
  return (
    <Section
      title={title}
      aside={
        <div class="actions">
          <button
            type="button"
            disabled={told.kind === 'asking'}
            onClick={() => void tell(async () => post(pausing).then(() => ({ kind: 'done', what: `${pausing}d` })))}
          >
            {pausing === 'pause' ? 'Pause' : 'Resume'}
          </button>
          <button
            type="button"
            disabled={told.kind === 'asking'}
            onClick={() => void tell(async () => post<TestAnswer>('test').then((answer) => ({ kind: 'tested', answer })))}
          >
            Test
          </button>
        </div>
      }
    >
      <SourceFacts source={source} />
      <Outcome told={told} />
    </Section>
  );
}

function SourceFacts({ source }: { readonly source: Source }) {
  const { connector_type, poll_interval, state, cause, cursor_value, rows, rows_per_s, refused, lag, succeeded_at, next_at } = source;
  const behind = lag.seconds === null ? (lag.rows === null ? 'not known' : `${countText(lag.rows)} rows`) : `${Math.round(lag.seconds)} s`;
  const facts: readonly (readonly [string, string])[] = [
    ['Connector', `${connector_type}${poll_interval === '' ? '' : `, every ${poll_interval}`}`],
    ['Position', cursor_value ?? 'none yet'],
    ['Behind', behind],
    ['Last read', succeeded_at === null ? 'never' : instantText(parseTimestamp(succeeded_at))],
    ['Next', next_at === null ? '' : instantText(parseTimestamp(next_at))],
    ['Rows', `${countText(rows)}, ${rateText(rows_per_s)}/s, ${countText(refused)} refused`],
  ];
  return (
    <>
      <p>
        <State tone={SOURCE_TONES[state] ?? 'good'}>{state}</State> {cause !== null && <span class="quiet words">{cause}</span>}
      </p>
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}

function Outcome({ told }: { readonly told: Told }) {
  switch (told.kind) {
    case 'nothing':
      return null;
    case 'asking':
      return <p role="status">Telling the platform …</p>;
    case 'done':
      return <p role="status">The source is {told.what}.</p>;
    case 'failed':
      return <Problem error={told.error} />;
    case 'tested':
      return (
        <div role="status">
          <ul class="events">
            {told.answer.steps.map(({ what, ok, detail }) => (
              <li key={what}>
                <State tone={ok ? 'good' : 'error'}>{what}</State> <span class="quiet words">{detail}</span>
              </li>
            ))}
          </ul>
          {told.answer.sample !== null && (
            <p class="words">
              A row as it would be pushed: <code>{told.answer.sample}</code>
            </p>
          )}
        </div>
      );
  }
}
