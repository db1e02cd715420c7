import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatTimestamp } from '../../../../libs/time/timestamp.js';
import { hrefOf } from '../place.js';
import type { Feature, Featureset, Status } from '../status.js';
import { instantText, valueText } from '../words.js';
import { Lane } from './lane.js';
import { differs, typedInstant, type Exact, type Sample } from './question.js';
import { clamp, ticksOf, usAt, xOf, zoomed, type TimeSpan } from './time-axis.js';
import { originOf } from './windows.js';

interface LanesProps {
  readonly featureset: Featureset;
  readonly status: Status;
  readonly span: TimeSpan;
  readonly atUs: number;
  readonly knownUs: number | undefined;
  readonly samples: readonly Sample[];
  readonly exact: Exact | undefined;
  /** What the entity beside it is called; undefined for none. */
  readonly beside: string | undefined;
  readonly onAt: (us: number) => void;
  readonly onSpan: (span: TimeSpan) => void;
  /** The feature whose value is explained. */
  readonly why: string | undefined;
  readonly onWhy: (feature: string | undefined) => void;
}

/** Of the axis: left and right of it nothing is drawn. */
const DRAG_PIXELS_MIN = 6;
const ZOOM = 2;

/** All features below one another, on one axis, with one cursor through them. */
export function Lanes(props: LanesProps) {
  const { featureset, status, span, atUs, knownUs, samples, exact, onAt } = props;
  const [width, axis] = useWidth();
  const drag = useDrag(props, width, axis);
  const shown = featureset.features.filter(({ input, name }) => !input && !featureset.entity.includes(name));
  const isExact = exact?.us === atUs;
  return (
    <div class="lanes" role="group" aria-label={`Features of ${featureset.name} over time`}>
      <div class="lane-row head">
        <Instant atUs={atUs} onAt={onAt} exact={exact} />
        <div ref={axis} class="axis-place">
          <Axis {...props} width={width} drag={drag} />
        </div>
      </div>
      {shown.map((feature) => (
        <LaneRow
          key={feature.name}
          feature={feature}
          featureset={featureset}
          status={status}
          exact={exact}
          isExact={isExact}
          hasThen={knownUs !== undefined}
          beside={props.beside}
          isOpen={props.why === feature.name}
          onWhy={props.onWhy}
        >
          <div class="lane-place" onPointerDown={drag.start} onPointerMove={drag.move}>
            <Lane
              feature={feature.name}
              isNumeric={feature.dtype === 'int' || feature.dtype === 'float'}
              samples={samples}
              span={span}
              width={width}
              atUs={atUs}
              knownUs={knownUs}
              windowUs={originOf(feature, featureset, status).windowUs}
            />
            {drag.chosen !== undefined && <Chosen {...drag.chosen} />}
          </div>
        </LaneRow>
      ))}
    </div>
  );
}

interface LaneRowProps {
  readonly feature: Feature;
  readonly featureset: Featureset;
  readonly status: Status;
  readonly exact: Exact | undefined;
  readonly isExact: boolean;
  readonly hasThen: boolean;
  readonly beside: string | undefined;
  readonly isOpen: boolean;
  readonly onWhy: (feature: string | undefined) => void;
  readonly children: preact.ComponentChildren;
}

function LaneRow({ feature, featureset, status, exact, isExact, hasThen, beside, isOpen, onWhy, children }: LaneRowProps) {
  const { name } = feature;
  const origin = originOf(feature, featureset, status);
  const now = exact?.features[name];
  const then = exact?.then?.[name];
  const changed = exact?.then !== undefined && differs(now, then);
  return (
    <div class="lane-row">
      <div class="lane-label">
        <a class="lane-name" href={hrefOf(['catalog', 'featureset', featureset.name])} title={feature.description}>
          {name}
        </a>
        <span class="lane-origin">
          <button
            type="button"
            class="why-button"
            aria-expanded={isOpen}
            aria-label={`why ${name}`}
            onClick={() => onWhy(isOpen ? undefined : name)}
          >
            why
          </button>
          {origin.text}
        </span>
        <span class={`lane-value${isExact ? '' : ' old'}`} data-value={name} title={JSON.stringify(now) ?? ''}>
          {exact === undefined ? '…' : valueText(now)}
        </span>
        {hasThen && exact?.then !== undefined && (
          <span class={`lane-then${changed ? ' changed' : ''}`} data-then={name}>
            {changed ? `was known as ${valueText(then)}` : 'the same then'}
          </span>
        )}
        {beside !== undefined && (
          <span class="lane-then beside" data-beside={name}>
            {beside}: {exact?.other === undefined ? '…' : valueText(exact.other[name])}
          </span>
        )}
      </div>
      {children}
    </div>
  );
}

/** The cursor's instant, to be typed as well. */
function Instant({ atUs, onAt, exact }: { readonly atUs: number; readonly onAt: (us: number) => void; readonly exact: Exact | undefined }) {
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

interface AxisProps extends LanesProps {
  readonly width: number;
  readonly drag: Drag;
}

/** The axis is the cursor's handle for the keyboard: arrows move it, Page Up and Down by more, + and - zoom around it. */
function Axis({ span, width, atUs, knownUs, onAt, onSpan, drag }: AxisProps) {
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

function Chosen({ left, width }: { readonly left: number; readonly width: number }) {
  return <div class="chosen" style={{ left: `${left}px`, width: `${width}px` }} />;
}

interface Drag {
  readonly start: (event: PointerEvent) => void;
  readonly move: (event: PointerEvent) => void;
  readonly chosen: { readonly left: number; readonly width: number } | undefined;
}

/** The pointer leads the cursor; pressed and drawn across, it chooses what to zoom into. */
function useDrag({ span, onAt, onSpan }: LanesProps, width: number, axis: { readonly current: HTMLDivElement | null }): Drag {
  const [chosen, setChosen] = useState<{ readonly left: number; readonly width: number } | undefined>(undefined);
  const xIn = (event: PointerEvent): number => clamp(event.clientX - (axis.current?.getBoundingClientRect().left ?? 0), 0, width);
  return {
    chosen,
    move(event) {
      if (event.buttons === 0 && event.pointerType === 'mouse') onAt(usAt(xIn(event), span, width));
    },
    start(event) {
      if (event.button !== 0) return;
      const from = xIn(event);
      onAt(usAt(from, span, width));
      const follow = (moved: PointerEvent): void => {
        const x = xIn(moved);
        setChosen(Math.abs(x - from) < DRAG_PIXELS_MIN ? undefined : { left: Math.min(x, from), width: Math.abs(x - from) });
      };
      const end = (ended: PointerEvent): void => {
        removeEventListener('pointermove', follow);
        removeEventListener('pointerup', end);
        removeEventListener('pointercancel', end);
        setChosen(undefined);
        const x = xIn(ended);
        if (ended.type === 'pointerup' && Math.abs(x - from) >= DRAG_PIXELS_MIN) onSpan(spanBetween(span, width, from, x));
      };
      addEventListener('pointermove', follow);
      addEventListener('pointerup', end);
      addEventListener('pointercancel', end);
    },
  };
}

function spanBetween(span: TimeSpan, width: number, one: number, other: number): TimeSpan {
  const [fromUs, toUs] = [usAt(Math.min(one, other), span, width), usAt(Math.max(one, other), span, width)];
  const middle = (fromUs + toUs) / 2;
  return zoomed({ fromUs, toUs }, middle, 1); // never shorter than what can be told apart
}

/** The width that there is for the lanes, as the window changes. */
function useWidth(): readonly [number, { current: HTMLDivElement | null }] {
  const place = useRef<HTMLDivElement | null>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(1, Math.floor(element.clientWidth))));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [width, place];
}
