import { useEffect, useRef, useState } from 'preact/hooks';
import type { Featureset, Status } from '../status.js';
import { Axis, Instant } from './axis.js';
import { Chosen, useDrag } from './drag.js';
import { Lane } from './lane.js';
import { LaneRow } from './lane-row.js';
import type { Exact, Sample } from './question.js';
import type { TimeSpan } from './time-axis.js';
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
  /** The dataset version that is compared with, such as `OriginStats@1`; undefined for none. */
  readonly older: string | undefined;
  readonly onAt: (us: number) => void;
  readonly onSpan: (span: TimeSpan) => void;
  /** The feature whose value is explained. */
  readonly why: string | undefined;
  readonly onWhy: (feature: string | undefined) => void;
}

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
          <Axis span={span} atUs={atUs} knownUs={knownUs} onAt={onAt} onSpan={props.onSpan} width={width} drag={drag} />
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
          older={props.older}
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
