import { hrefOf } from '../place.js';
import type { Featureset, Status } from '../status.js';
import { nowUs } from '../words.js';
import type { TimeSpan } from './time-axis.js';

export interface AskFields {
  /** By the names of the key's fields. */
  readonly entity: ReadonlyMap<string, string>;
  readonly inputs: ReadonlyMap<string, string>;
  /** Of the entity that is drawn beside it; all empty for none. */
  readonly beside: ReadonlyMap<string, string>;
  /** As it was typed; empty for everything that is known. */
  readonly known: string;
  /** `OriginStats@1`, a dataset version that is compared with; empty for none. */
  readonly version: string;
}

interface AskFormProps {
  readonly status: Status;
  readonly featureset: Featureset;
  readonly fields: AskFields;
  readonly span: TimeSpan;
  /** Dataset versions that can be compared with. */
  readonly versions: readonly string[];
  readonly onFields: (fields: AskFields) => void;
  readonly onSpan: (span: TimeSpan) => void;
}

const SPANS: readonly (readonly [string, number])[] = [
  ['1h', 3_600e6],
  ['6h', 21_600e6],
  ['1d', 86_400e6],
  ['7d', 604_800e6],
  ['30d', 2_592_000e6],
];

/** Whose features, with which inputs, over which time, and as of whose knowledge. */
export function AskForm({ status, featureset, fields, span, versions, onFields, onSpan }: AskFormProps) {
  const { entity, inputs, beside, known, version } = fields;
  const typeOf = (name: string): string => featureset.features.find((feature) => feature.name === name)?.dtype ?? 'str';
  return (
    <form class="ask" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span>Featureset</span>
        <select value={featureset.name} onChange={(event) => void (location.hash = hrefOf(['travel', event.currentTarget.value]))}>
          {status.featuresets.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {[...entity].map(([name, value]) => (
        <Field
          key={name}
          name={name}
          type={typeOf(name)}
          value={value}
          onValue={(text) => onFields({ ...fields, entity: new Map(entity).set(name, text) })}
        />
      ))}
      {[...inputs].map(([name, value]) => (
        <Field
          key={name}
          name={name}
          type={`${typeOf(name)} input`}
          value={value}
          onValue={(text) => onFields({ ...fields, inputs: new Map(inputs).set(name, text) })}
        />
      ))}
      {[...beside].map(([name, value]) => (
        <Field
          key={name}
          name={`Beside it ${name}`}
          type="or empty"
          value={value}
          onValue={(text) => onFields({ ...fields, beside: new Map(beside).set(name, text) })}
        />
      ))}
      <VersionField versions={versions} version={version} onVersion={(name) => onFields({ ...fields, version: name })} />
      <Field
        name="Known at"
        type="instant, or empty for now"
        isInstant
        value={known}
        onValue={(text) => onFields({ ...fields, known: text })}
      />
      <div class="spans" role="group" aria-label="Span that ends now">
        {SPANS.map(([label, lengthUs]) => (
          <button
            key={label}
            type="button"
            aria-pressed={Math.abs(span.toUs - span.fromUs - lengthUs) < 1e6}
            onClick={() => onSpan(endingNow(lengthUs))}
          >
            {label}
          </button>
        ))}
      </div>
    </form>
  );
}

interface VersionFieldProps {
  readonly versions: readonly string[];
  readonly version: string;
  readonly onVersion: (name: string) => void;
}

/** Not there where nothing can be chosen; a version that the address names is, so that its refusal is understood. */
function VersionField({ versions, version, onVersion }: VersionFieldProps) {
  if (versions.length === 0 && version === '') return null;
  return (
    <label>
      <span>
        Beside it <small>an older version</small>
      </span>
      <select value={version} onChange={(event) => onVersion(event.currentTarget.value)}>
        <option value="">none</option>
        {[...new Set([...versions, ...(version === '' ? [] : [version])])].map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface FieldProps {
  readonly name: string;
  readonly type: string;
  readonly isInstant?: boolean;
  readonly value: string;
  readonly onValue: (text: string) => void;
}

/** It counts when it is left or Enter is pressed: half a name is an entity of its own. */
function Field({ name, type, isInstant = false, value, onValue }: FieldProps) {
  return (
    <label>
      <span>
        {name} <small>{type}</small>
      </span>
      <input
        type="text"
        class={isInstant ? 'instant' : undefined}
        autocomplete="off"
        spellcheck={false}
        value={value}
        onChange={(event) => onValue(event.currentTarget.value)}
        onKeyDown={enterCounts(onValue)}
      />
    </label>
  );
}

function enterCounts(onValue: (text: string) => void) {
  return (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && event.currentTarget instanceof HTMLInputElement) onValue(event.currentTarget.value);
  };
}

function endingNow(lengthUs: number): TimeSpan {
  const toUs = nowUs();
  return { fromUs: toUs - lengthUs, toUs };
}
