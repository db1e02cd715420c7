import { hrefOf } from '../place.js';
import type { Feature, Featureset, Status } from '../status.js';
import { valueText } from '../words.js';
import { differs, type Exact } from './question.js';
import { originOf } from './windows.js';

interface LaneRowProps {
  readonly feature: Feature;
  readonly featureset: Featureset;
  readonly status: Status;
  readonly exact: Exact | undefined;
  readonly isExact: boolean;
  readonly hasThen: boolean;
  readonly beside: string | undefined;
  readonly older: string | undefined;
  readonly isOpen: boolean;
  readonly onWhy: (feature: string | undefined) => void;
  readonly children: preact.ComponentChildren;
}

/** One feature: what it is called, what it is made of, its values at the cursor, and beside them its lane. */
export function LaneRow({ feature, featureset, status, exact, isExact, hasThen, beside, older, isOpen, onWhy, children }: LaneRowProps) {
  const { name } = feature;
  const origin = originOf(feature, featureset, status);
  const now = exact?.features[name];
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
        {hasThen && exact?.then !== undefined && <Then name={name} now={now} then={exact.then[name]} />}
        {beside !== undefined && (
          <span class="lane-then beside" data-beside={name}>
            {beside}: {exact?.other === undefined ? '…' : valueText(exact.other[name])}
          </span>
        )}
        {older !== undefined && exact?.older !== undefined && name in exact.older && (
          <Older name={name} version={older} now={now} older={exact.older[name]} />
        )}
      </div>
      {children}
    </div>
  );
}

function Then({ name, now, then }: { readonly name: string; readonly now: unknown; readonly then: unknown }) {
  const changed = differs(now, then);
  return (
    <span class={`lane-then${changed ? ' changed' : ''}`} data-then={name}>
      {changed ? `was known as ${valueText(then)}` : 'the same then'}
    </span>
  );
}

interface OlderProps {
  readonly name: string;
  readonly version: string;
  readonly now: unknown;
  readonly older: unknown;
}

function Older({ name, version, now, older }: OlderProps) {
  const changed = differs(now, older);
  return (
    <span class={`lane-then older${changed ? ' changed' : ''}`} data-older={name}>
      {changed ? `${version} says ${valueText(older)}` : `${version} says the same`}
    </span>
  );
}
