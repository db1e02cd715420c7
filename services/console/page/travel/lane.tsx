import { useMemo } from 'preact/hooks';
import { shortText, valueText } from '../words.js';
import { differs, type Sample } from './question.js';
import type { Features } from './subject.js';
import { ticksOf, xOf, type TimeSpan } from './time-axis.js';

export interface LaneProps {
  readonly feature: string;
  readonly isNumeric: boolean;
  readonly samples: readonly Sample[];
  readonly span: TimeSpan;
  readonly width: number;
  readonly atUs: number;
  readonly knownUs: number | undefined;
  /** How far back its window looks from the cursor. */
  readonly windowUs: number | undefined;
}

const NUMERIC_HEIGHT = 58;
const TEXT_HEIGHT = 46;
const PADDING = 6;
/** About the width of a digit in the lane's type. */
const CHARACTER_WIDTH = 6.4;

/** One feature over time; under it the window that the answer at the cursor looks at. */
export function Lane(props: LaneProps) {
  const { feature, isNumeric, span, width, atUs, knownUs, windowUs } = props;
  const height = isNumeric ? NUMERIC_HEIGHT : TEXT_HEIGHT;
  const cursor = xOf(atUs, span, width);
  const ticks = useMemo(() => ticksOf(span, width), [span, width]);
  return (
    <svg class="lane" width={width} height={height} viewBox={`0 0 ${width} ${height}`} data-feature={feature} aria-hidden="true">
      {ticks.map(({ us }) => (
        <line key={us} class="grid" x1={xOf(us, span, width)} x2={xOf(us, span, width)} y1="0" y2={height} />
      ))}
      {windowUs !== undefined && <WindowBand span={span} width={width} height={height} atUs={atUs} windowUs={windowUs} />}
      <Drawn {...props} height={height} />
      {knownUs !== undefined && <line class="known" x1={xOf(knownUs, span, width)} x2={xOf(knownUs, span, width)} y1="0" y2={height} />}
      <line class="cursor" x1={cursor} x2={cursor} y1="0" y2={height} />
    </svg>
  );
}

/** The curve does not depend on the cursor, so it is not drawn anew when that moves. */
function Drawn({ feature, isNumeric, samples, span, width, height }: LaneProps & { readonly height: number }) {
  return useMemo(
    () => (
      <g>
        {isNumeric ? (
          <Curves feature={feature} samples={samples} span={span} width={width} height={height} />
        ) : (
          <Stretches feature={feature} samples={samples} span={span} width={width} height={height} />
        )}
        <Differences feature={feature} samples={samples} span={span} width={width} />
      </g>
    ),
    [feature, isNumeric, samples, span, width],
  );
}

interface BandProps {
  readonly span: TimeSpan;
  readonly width: number;
  readonly height: number;
  readonly atUs: number;
  readonly windowUs: number;
}

function WindowBand({ span, width, height, atUs, windowUs }: BandProps) {
  const right = xOf(atUs, span, width);
  const left = Number.isFinite(windowUs) ? Math.max(0, xOf(atUs - windowUs, span, width)) : 0;
  return <rect class="window" x={left} y="0" width={Math.max(0, right - left)} height={height} />;
}

interface DrawnProps {
  readonly feature: string;
  readonly samples: readonly Sample[];
  readonly span: TimeSpan;
  readonly width: number;
  readonly height: number;
}

function Curves({ feature, samples, span, width, height }: DrawnProps) {
  const pairs = samples.flatMap((sample) => [sample.features, sample.then, sample.other, sample.older].map((values) => values?.[feature]));
  const numbers = pairs.filter((value): value is number => typeof value === 'number');
  if (numbers.length === 0) return <Empty height={height} text="null throughout" />;
  const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
  const y = (value: number): number =>
    greatest === least ? height / 2 : height - PADDING - ((value - least) / (greatest - least)) * (height - 2 * PADDING);
  const line = (read: (sample: Sample) => Features | undefined): string =>
    stepPath(samples.map((sample) => ({ x: xOf(sample.us, span, width), y: yOrNull(read(sample)?.[feature], y) })));
  return (
    <>
      {samples.some(({ then }) => then !== undefined) && <path class="curve then" d={line(({ then }) => then)} />}
      {samples.some(({ other }) => other !== undefined) && <path class="curve beside" d={line(({ other }) => other)} />}
      {samples.some(({ older }) => older !== undefined && feature in older) && <path class="curve older" d={line(({ older }) => older)} />}
      <path class="curve" d={line(({ features }) => features)} />
      <text class="bound" x="3" y="11">
        {shortText(greatest)}
      </text>
      {greatest !== least && (
        <text class="bound" x="3" y={height - 3}>
          {shortText(least)}
        </text>
      )}
    </>
  );
}

function yOrNull(value: unknown, y: (value: number) => number): number | null {
  return typeof value === 'number' ? y(value) : null;
}

/** A value holds until the next sample; nulls are gaps. */
function stepPath(points: readonly { readonly x: number; readonly y: number | null }[]): string {
  let path = '';
  let isDown = false;
  for (const { x, y } of points) {
    const [px, py] = [x.toFixed(1), (y ?? 0).toFixed(1)];
    if (y === null) path += isDown ? `H${px}` : '';
    else path += isDown ? `H${px}V${py}` : `M${px} ${py}`;
    isDown = y !== null;
  }
  return path;
}

/** What is no number: a box for as long as it is the same. */
function Stretches({ feature, samples, span, width, height }: DrawnProps) {
  const stretches: { readonly fromUs: number; readonly value: unknown }[] = [];
  for (const { us, features } of samples) {
    const value = features[feature];
    if (stretches.length === 0 || differs(stretches[stretches.length - 1]?.value, value)) stretches.push({ fromUs: us, value });
  }
  return (
    <>
      {stretches.map(({ fromUs, value }, i) => {
        const left = xOf(fromUs, span, width);
        const length = xOf(stretches[i + 1]?.fromUs ?? span.toUs, span, width) - left;
        const [text, room] = [valueText(value), Math.floor((length - 8) / CHARACTER_WIDTH)];
        return (
          <g key={fromUs}>
            <rect class={`stretch ${toneOf(value, i)}`} x={left} y="10" width={Math.max(0.5, length - 1)} height={height - 20} rx="2" />
            {room >= 3 && (
              <text class="stretch-text" x={left + 5} y={height / 2 + 4}>
                {text.length > room ? `${text.slice(0, room - 1)}…` : text}
              </text>
            )}
          </g>
        );
      })}
    </>
  );
}

function toneOf(value: unknown, place: number): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return place % 2 === 0 ? 'even' : 'odd';
}

/** Marks above where what was known then, or what the older version says, is not what is answered now; each in a row of its own. */
function Differences({ feature, samples, span, width }: Omit<DrawnProps, 'height'>) {
  const step = width / Math.max(1, samples.length - 1);
  const mark = (us: number, kind: string, y: number) => (
    <rect key={`${kind} ${us}`} class={`differs${kind}`} x={xOf(us, span, width)} y={y} width={step + 0.5} height="3" />
  );
  return (
    <>
      {samples.map(({ us, features, then }) => (then !== undefined && differs(features[feature], then[feature]) ? mark(us, '', 0) : null))}
      {samples.map(({ us, features, then, older }) =>
        older !== undefined && feature in older && differs(features[feature], older[feature])
          ? mark(us, ' older', then === undefined ? 0 : 3)
          : null,
      )}
    </>
  );
}

function Empty({ height, text }: { readonly height: number; readonly text: string }) {
  return (
    <text class="bound" x="3" y={height / 2 + 4}>
      {text}
    </text>
  );
}
