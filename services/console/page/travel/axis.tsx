import { useMemo, useState } from 'preact/hooks';
import { formatTimestamp } from '../../../../libs/time/timestamp.js';
import { hrefOf } from '../place.js';
import { instantText } from '../words.js';
import type { Drag } from './drag.js';
import { typedInstant, type Exact } from './question.js';
import { clamp, ticksOf, xOf, zoomed, type TimeSpan } from './time-axis.js';

const ZOOM = 2;

/** The cursor's instant, to be typed as well. */
export function Instant({
  atUs,
  onAt,
  exact,
}: {
  readonly atUs: number;
  readonly onAt: (us: number) => void;
  readonly exact: Exact | undefined;
}) {
  const [wrong, setWrong] = useState(false);
  const typed = (text: string): void => {
    const us = typedInstant(text);
    setWrong(us === undefined);
    if (us !== undefined) onAt(us);
  };
  return (
    <div class="lane-label">
      <label>
        <span>
          As of <small>UTC</small>
        </span>
        <input
          type="text"
          class="instant"
          spellcheck={false}
          autocomplete="off"
          aria-invalid={wrong}
          value={instantText(atUs)}
          onChange={(event) => typed(event.currentTarget.value)}
        />
      </label>
      {exact?.runId !== undefined && (
        <a class="lane-origin" href={hrefOf(['query-runs', exact.runId])}>
          query run
        </a>
      )}
    </div>
  );
}

interface AxisProps {
  readonly span: TimeSpan;
  readonly atUs: number;
  readonly knownUs: number | undefined;
  readonly onAt: (us: number) => void;
  readonly onSpan: (span: TimeSpan) => void;
  readonly width: number;
  readonly drag: Drag;
}

/** The axis is the cursor's handle for the keyboard: arrows move it, Page Up and Down by more, + and - zoom around it. */
export function Axis({ span, width, atUs, knownUs, onAt, onSpan, drag }: AxisProps) {
  const ticks = useMemo(() => ticksOf(span, width), [span, width]);
  const length = span.toUs - span.fromUs;
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -0.005, ArrowRight: 0.005, PageDown: -0.1, PageUp: 0.1, Home: -2, End: 2 };
    const step = steps[event.key];
    if (step !== undefined) onAt(clamp(Math.round(atUs + step * length), span.fromUs, span.toUs));
    else if (event.key === '+' || event.key === '=') onSpan(zoomed(span, atUs, 1 / ZOOM));
    else if (event.key === '-') onSpan(zoomed(span, atUs, ZOOM));
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="axis"
      role="slider"
      tabIndex={0}
      aria-label="Instant that the features are as of"
      aria-valuemin={span.fromUs}
      aria-valuemax={span.toUs}
      aria-valuenow={atUs}
      aria-valuetext={instantText(atUs)}
      data-at={formatTimestamp(atUs)}
      onKeyDown={onKeyDown}
      onPointerDown={drag.start}
      onPointerMove={drag.move}
    >
      <svg width={width} height="34" viewBox={`0 0 ${width} 34`} aria-hidden="true">
        {ticks.map(({ us, label, isDay }) => (
          <g key={us}>
            <line class="grid" x1={xOf(us, span, width)} x2={xOf(us, span, width)} y1="22" y2="34" />
            <text
              class={isDay ? 'tick day' : 'tick'}
              x={clamp(xOf(us, span, width), 18, Math.max(18, width - 18))}
              y="17"
              text-anchor="middle"
            >
              {label}
            </text>
          </g>
        ))}
        {knownUs !== undefined && <path class="known-mark" d={markAt(xOf(knownUs, span, width))} />}
        <path class="cursor-mark" d={markAt(xOf(atUs, span, width))} />
      </svg>
    </div>
  );
}

function markAt(x: number): string {
  return `M${x - 5} 24H${x + 5}L${x} 33Z`;
}
