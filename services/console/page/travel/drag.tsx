import { useState } from 'preact/hooks';
import { clamp, usAt, zoomed, type TimeSpan } from './time-axis.js';

/** Less is a press and no choice. */
const DRAG_PIXELS_MIN = 6;

export interface Drag {
  readonly start: (event: PointerEvent) => void;
  readonly move: (event: PointerEvent) => void;
  readonly chosen: { readonly left: number; readonly width: number } | undefined;
}

interface DragOptions {
  readonly span: TimeSpan;
  readonly onAt: (us: number) => void;
  readonly onSpan: (span: TimeSpan) => void;
}

/** The pointer leads the cursor; pressed and drawn across, it chooses what to zoom into. */
export function useDrag({ span, onAt, onSpan }: DragOptions, width: number, axis: { readonly current: HTMLDivElement | null }): Drag {
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

/** What is being chosen, over a lane. */
export function Chosen({ left, width }: { readonly left: number; readonly width: number }) {
  return <div class="chosen" style={{ left: `${left}px`, width: `${width}px` }} />;
}
