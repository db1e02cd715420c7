import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatTimestamp } from '../../../libs/time/timestamp.js';
import { useAsked } from './asked.js';
import { rewritePlace, type Place } from './place.js';
import type { Featureset, Status } from './status.js';
import { AskForm, type AskFields } from './travel/ask-form.js';
import { Recent } from './travel/recent.js';
import { CopyAs } from './travel/copy-as-box.js';
import { Lanes } from './travel/lanes.js';
import { askExact, askSamples, SAMPLES, typedInstant } from './travel/question.js';
import { subjectOf } from './travel/subject.js';
import { askedVersions, olderVersion, versionsBefore } from './travel/older-version.js';
import { SPAN_US_MIN, type TimeSpan } from './travel/time-axis.js';
import { Why } from './travel/why.js';
import { Problem } from './parts.js';
import { nowUs, spanText } from './words.js';

/** A pause in the cursor's way, after which the exact answer is asked for; so a sweep over the page is not a query for each pixel. */
const CURSOR_REST_MS = 70;
const DAY_US = 86_400e6;

/** Every feature of an entity over time, and what any instant answers exactly. */
export function Travel({ place, status }: { readonly place: Place; readonly status: Status }) {
  const featureset = status.featuresets.find(({ name }) => name === place.path[1]) ?? status.featuresets[0];
  if (featureset === undefined)
    return (
      <>
        <h1>Time travel</h1>
        <p>
          No featureset is committed yet: <code>npx thyme commit features.ts</code>
        </p>
      </>
    );
  return <Traveller key={featureset.name} featureset={featureset} place={place} status={status} />;
}

interface TravellerProps {
  readonly featureset: Featureset;
  readonly place: Place;
  readonly status: Status;
}

function Traveller({ featureset, place, status }: TravellerProps) {
  const [fields, setFields] = useState(() => readFields(featureset, place));
  const [span, setSpan] = useState(() => readSpan(place));
  const [atUs, setAtUs] = useState(() => typedInstant(place.query.get('at') ?? '') ?? span.toUs);
  const [why, setWhy] = useState(place.query.get('why'));
  const { subject, missing } = useMemo(() => subjectOf(featureset, fields.entity, fields.inputs), [featureset, fields]);
  const knownUs = fields.known === '' ? undefined : typedInstant(fields.known);
  const other = useMemo(() => subjectOf(featureset, fields.beside, fields.inputs).subject, [featureset, fields]);
  const versionPlace = useMemo(() => (subject === undefined ? undefined : { featureset, status, subject }), [featureset, subject]);
  const older = versionPlace === undefined || fields.version === '' ? undefined : olderVersion(fields.version, versionPlace);
  const asked = JSON.stringify([subject, other, older]);

  useEffect(() => {
    rewritePlace(['travel', featureset.name], { ...addressOf(fields, span, atUs), why });
  }, [fields, span, atUs, why]);

  const before = versionsBefore(featureset, status);
  const versions = useAsked(
    async (signal) => (versionPlace === undefined ? [] : askedVersions(before, versionPlace, signal)),
    [JSON.stringify([subject, before])],
  );
  const samples = useAsked(
    async (signal) => (subject === undefined ? undefined : timed(() => askSamples({ subject, other, knownUs, older }, span, signal))),
    [asked, span, knownUs],
  );
  const resting = useResting({ asked, atUs, knownUs });
  const exact = useAsked(
    async (signal) =>
      subject === undefined ? undefined : askExact({ subject, other, knownUs: resting.knownUs, older }, resting.atUs, signal),
    [resting],
  );
  const drawn = samples.kind === 'answered' ? samples.value : undefined;
  const whyOf = featureset.features.find(({ name }) => name === why);
  return (
    <div class="travel">
      <h1>Time travel</h1>
      <AskForm
        status={status}
        featureset={featureset}
        fields={fields}
        span={span}
        versions={versions.kind === 'answered' ? versions.value : []}
        onFields={setFields}
        onSpan={setSpan}
      />
      {missing.length > 0 && (
        <p class="note">
          To ask, fill in {missing.join(', ')}. <Recent featureset={featureset} fields={fields} onFields={setFields} />
        </p>
      )}
      {fields.known !== '' && knownUs === undefined && <p class="note warning">Known at: {NO_INSTANT}</p>}
      {samples.kind === 'failed' ? <Problem error={samples.error} /> : exact.kind === 'failed' && <Problem error={exact.error} />}
      {subject !== undefined && (
        <>
          <Lanes
            featureset={featureset}
            status={status}
            span={span}
            atUs={atUs}
            knownUs={knownUs}
            samples={drawn?.value ?? []}
            exact={exact.kind === 'answered' ? exact.value : undefined}
            beside={other === undefined ? undefined : besideText(fields)}
            older={older?.name}
            onAt={setAtUs}
            onSpan={setSpan}
            why={why}
            onWhy={setWhy}
          />
          {whyOf !== undefined && (
            <Why
              key={whyOf.name}
              feature={whyOf}
              featureset={featureset}
              status={status}
              subject={subject}
              atUs={resting.atUs}
              knownUs={resting.knownUs}
              exact={exact.kind === 'answered' ? exact.value : undefined}
              onWhy={setWhy}
            />
          )}
          <p class="quiet" id="travel-footnote">
            {SAMPLES} samples, one each {spanText((span.toUs - span.fromUs) / (SAMPLES - 1))}
            {drawn === undefined ? '' : `, answered in ${Math.round(drawn.ms)} ms`}. Between two samples a curve may miss what happened:
            zoom in, or move the cursor, whose answer is exact. Times are UTC.
          </p>
          <CopyAs subject={subject} atUs={atUs} knownUs={knownUs} />
        </>
      )}
    </div>
  );
}

export const NO_INSTANT = 'this is no instant: write 2026-01-31T12:00:00.5Z, a date, or epoch seconds';

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startMs };
}

interface Question {
  readonly asked: string | undefined;
  readonly atUs: number;
  readonly knownUs: number | undefined;
}

/** The question once it has not changed for a moment. */
function useResting({ asked, atUs, knownUs }: Question): Question {
  const [resting, setResting] = useState<Question>({ asked, atUs, knownUs });
  useEffect(() => {
    const timer = window.setTimeout(
      () =>
        setResting((last) => (last.asked === asked && last.atUs === atUs && last.knownUs === knownUs ? last : { asked, atUs, knownUs })),
      CURSOR_REST_MS,
    );
    return () => window.clearTimeout(timer);
  }, [asked, atUs, knownUs]);
  return resting;
}

function besideText({ beside }: AskFields): string {
  return [...beside.values()].join(' · ');
}

function readFields({ entity, features }: Featureset, { query }: Place): AskFields {
  const [only = ''] = entity;
  const keyOf = (key: string, word: string): string => query.get(entity.length === 1 && key === only ? word : `${word}.${key}`) ?? '';
  return {
    entity: new Map(entity.map((key) => [key, keyOf(key, 'entity')])),
    beside: new Map(entity.map((key) => [key, keyOf(key, 'beside')])),
    inputs: new Map(features.filter(({ input }) => input).map(({ name }) => [name, query.get(`in.${name}`) ?? ''])),
    known: query.get('known') ?? '',
    version: query.get('version') ?? '',
  };
}

function readSpan({ query }: Place): TimeSpan {
  const [from, to] = [typedInstant(query.get('from') ?? ''), typedInstant(query.get('to') ?? '')];
  if (from !== undefined && to !== undefined && to - from >= SPAN_US_MIN) return { fromUs: from, toUs: to };
  const end = typedInstant(query.get('at') ?? '') ?? nowUs();
  return { fromUs: end - DAY_US, toUs: end };
}

function addressOf(
  { entity, inputs, beside, known, version }: AskFields,
  { fromUs, toUs }: TimeSpan,
  atUs: number,
): Record<string, string> {
  const keysAs = (word: string, of: ReadonlyMap<string, string>) =>
    [...of].map(([name, value]) => [of.size === 1 ? word : `${word}.${name}`, value]);
  const given = [...inputs].map(([name, value]) => [`in.${name}`, value]);
  const times = { from: formatTimestamp(fromUs), to: formatTimestamp(toUs), at: formatTimestamp(atUs), known, version };
  return { ...Object.fromEntries([...keysAs('entity', entity), ...keysAs('beside', beside), ...given]), ...times } as Record<
    string,
    string
  >; // all of them are texts
}
