import type { ComponentChildren } from 'preact';
import { ApiProblem } from './api.js';

/** A refusal, in the platform's own words and with its code. */
export function Problem({ error }: { readonly error: Error }) {
  return (
    <p class="note error" role="alert">
      {error instanceof ApiProblem && <code>{error.code}</code>} {error.message}
    </p>
  );
}

export function Section({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section>
      <div class="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export type Tone = 'good' | 'warning' | 'error' | 'quiet';

/** A word with a mark before it, which says the same by its shape. */
export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <svg viewBox="0 0 10 10" width="9" height="9" aria-hidden="true">
        {tone === 'good' && <circle cx="5" cy="5" r="4" />}
        {tone === 'warning' && <path d="M5 0.5 L9.7 9 H0.3 Z" />}
        {tone === 'error' && <path d="M1 1 H9 V9 H1 Z" />}
        {tone === 'quiet' && <circle class="hollow" cx="5" cy="5" r="3.4" />}
      </svg>
      {children}
    </span>
  );
}

/** A table that scrolls by itself where it is too wide; the keyboard can scroll it too. */
export function Table({
  label,
  head,
  children,
}: {
  readonly label: string;
  readonly head: readonly string[];
  readonly children: ComponentChildren;
}) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col" class={title.startsWith('#') ? 'number' : undefined}>
                {title.replace(/^#/, '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
