import { useState } from 'preact/hooks';
import { ask } from './api.js';
import { useAsked } from './asked.js';
import { Problem } from './parts.js';

export interface AuthorFunction {
  readonly name: string;
  readonly code: string;
  readonly before: string | null;
}

export interface CodeAnswer {
  readonly id: string;
  readonly functions: readonly AuthorFunction[];
}

/** The code of a pipeline or an extractor, once somebody wants it: it takes scope admin. */
export function AuthorCode({ name }: { readonly name: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Code of {name}
      </button>
      {isOpen && <Code name={name} />}
    </div>
  );
}

function Code({ name }: { readonly name: string }) {
  const asked = useAsked((signal) => ask<CodeAnswer>('/api/v1/commits/latest/code', { query: { name }, signal }), [name]);
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Reading …</p>;
  const found = asked.value.functions.at(0);
  if (found === undefined) return <p class="quiet">The bundle does not show it.</p>;
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={`Code of ${name}`}>
        {found.code}
      </pre>
    </div>
  );
}
