import { ask } from '../api.js';
import { useAsked } from '../asked.js';
import type { QueryRun } from '../runs/query-run.js';
import type { Featureset } from '../status.js';
import { valueText } from '../words.js';
import type { AskFields } from './ask-form.js';

const RUNS_READ = 50;
const ENTITIES_SHOWN = 6;

interface RecentProps {
  readonly featureset: Featureset;
  readonly fields: AskFields;
  readonly onFields: (fields: AskFields) => void;
}

/** Entities that were asked for lately, to begin with. */
export function Recent({ featureset: { name, entity: keys }, fields, onFields }: RecentProps) {
  const asked = useAsked(
    (signal) =>
      ask<{ readonly runs: readonly QueryRun[] }>('/query-runs', { query: { featureset: name, limit: String(RUNS_READ) }, signal }),
    [name],
  );
  if (asked.kind !== 'answered') return null;
  const entities = new Map<string, readonly unknown[]>();
  for (const { entity_ids } of asked.value.runs)
    for (const entity of entity_ids) entities.set(valueText(entity), Array.isArray(entity) ? (entity as readonly unknown[]) : [entity]);
  if (entities.size === 0) return null;
  const choose = (values: readonly unknown[]): void =>
    onFields({ ...fields, entity: new Map(keys.map((key, i) => [key, String(values[i] ?? '')])) });
  return (
    <span class="recent">
      Asked for lately:{' '}
      {[...entities].slice(0, ENTITIES_SHOWN).map(([text, values]) => (
        <button key={text} type="button" onClick={() => choose(values)}>
          {text}
        </button>
      ))}
    </span>
  );
}
