// What the page asks of REST: samples of the whole span in one request, and the exact answer at the cursor.
import { parseTimestamp, formatTimestamp } from '../../../../libs/time/timestamp.js';
import { ask, askWhole } from '../api.js';
import { askVersion, type OlderVersion } from './older-version.js';
import type { Features, Subject } from './subject.js';
import { sampleInstants, type TimeSpan } from './time-axis.js';

export const SAMPLES = 200;

export interface Sample {
  readonly us: number;
  readonly features: Features;
  /** As it was known then; absent where nobody asks. */
  readonly then?: Features;
  /** Of the entity beside it; absent where there is none. */
  readonly other?: Features;
  /** Of the dataset version that is compared with: the features that read that dataset. */
  readonly older?: Features;
}

export interface Exact {
  readonly us: number;
  readonly features: Features;
  readonly then?: Features;
  readonly other?: Features;
  readonly older?: Features;
  readonly runId: string | undefined;
  readonly watermark: string | null;
}

interface OfflineAnswer {
  readonly results: readonly { readonly features: Features }[];
}

interface ReadAnswer {
  readonly features: Features;
  readonly freshness: { readonly watermark: string | null };
}

/** Who is asked about: an entity, another beside it, and what was known of the first at an instant. */
export interface Asking {
  readonly subject: Subject;
  readonly other: Subject | undefined;
  readonly knownUs: number | undefined;
  /** A dataset version that its features are compared with. */
  readonly older?: OlderVersion | undefined;
}

/** All features at so many instants of the span: a request each for now, the past's knowledge, the other entity and the older version. */
export async function askSamples(
  { subject, other, knownUs, older: version }: Asking,
  span: TimeSpan,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  const instants = sampleInstants(span, SAMPLES);
  const request = ({ featureset, entity, inputs }: Subject, known: object) => {
    const queries = instants.map((us) => ({ entity_id: entity, timestamp: formatTimestamp(us), inputs }));
    return ask<OfflineAnswer>('/features/offline', { body: { featureset, queries, ...known }, signal });
  };
  const [now, then, beside, older] = await Promise.all([
    request(subject, {}),
    knownUs === undefined ? undefined : request(subject, { known_at: formatTimestamp(knownUs) }),
    other === undefined ? undefined : request(other, {}),
    version === undefined ? undefined : askVersion(version, instants, signal),
  ]);
  return instants.map((us, i) => ({
    us,
    features: now.results[i]?.features ?? {},
    ...(then === undefined ? {} : { then: then.results[i]?.features ?? {} }),
    ...(beside === undefined ? {} : { other: beside.results[i]?.features ?? {} }),
    ...(older === undefined ? {} : { older: older[i] ?? {} }),
  }));
}

/** The body of POST /features: what is asked, and what is copied. */
export function exactBody({ featureset, entity, inputs }: Subject, atUs: number, knownUs?: number) {
  return {
    featureset,
    entity_id: entity,
    timestamp: formatTimestamp(atUs),
    ...(knownUs === undefined ? {} : { known_at: formatTimestamp(knownUs) }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
  };
}

export async function askExact({ subject, other, knownUs, older: version }: Asking, atUs: number, signal: AbortSignal): Promise<Exact> {
  const request = (of: Subject, known?: number) => askWhole<ReadAnswer>('/features', { body: exactBody(of, atUs, known), signal });
  const [now, then, beside, older] = await Promise.all([
    request(subject),
    knownUs === undefined ? undefined : request(subject, knownUs),
    other === undefined ? undefined : request(other),
    version === undefined ? undefined : askVersion(version, [atUs], signal),
  ]);
  return {
    us: atUs,
    features: now.body.features,
    ...(then === undefined ? {} : { then: then.body.features }),
    ...(beside === undefined ? {} : { other: beside.body.features }),
    ...(older === undefined ? {} : { older: older[0] ?? {} }),
    runId: now.runId,
    watermark: now.body.freshness.watermark,
  };
}

/** Whether two values are not the same; lists and structures by what they hold. */
export function differs(one: unknown, other: unknown): boolean {
  return one !== other && JSON.stringify(one) !== JSON.stringify(other);
}

/** What a person typed as an instant; undefined where it is none. A space may stand for the T, and the Z be left away. */
export function typedInstant(text: string): number | undefined {
  try {
    return parseTimestamp(text.trim());
  } catch {
    return undefined;
  }
}
