import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiPage } from './api-page.js';
import { ApiProblem, ask } from './api.js';
import { useAsked } from './asked.js';
import { Catalog } from './catalog.js';
import { Commits } from './commits.js';
import { Jobs } from './jobs.js';
import { KeyForm } from './key-form.js';
import { Lineage } from './lineage.js';
import { Overview } from './overview.js';
import { Problem } from './parts.js';
import { hrefOf, usePlace, type Place } from './place.js';
import { Runs } from './runs.js';
import { forgetKey, sessionKey } from './session.js';
import type { Status } from './status.js';
import { Travel } from './travel.js';

export interface PageProps {
  readonly place: Place;
  readonly status: Status;
  /** When the status was read, ms of `performance.now()`. */
  readonly readMs: number;
}

interface PageEntry {
  readonly path: string;
  readonly title: string;
  readonly page: ComponentType<PageProps>;
}

const PAGES: readonly PageEntry[] = [
  { path: 'overview', title: 'Overview', page: Overview },
  { path: 'travel', title: 'Time travel', page: Travel },
  { path: 'catalog', title: 'Catalog', page: Catalog },
  { path: 'lineage', title: 'Lineage', page: Lineage },
  { path: 'jobs', title: 'Jobs', page: Jobs },
  { path: 'query-runs', title: 'Query runs', page: Runs },
  { path: 'commits', title: 'Commits', page: Commits },
  { path: 'api', title: 'API', page: ApiPage },
];

/** Often enough to see that something moves; a status costs the platform about a millisecond. */
const STATUS_EVERY_MS = 2_000;

/** Everything on the screen: the page that the address names, or the form for a key where one is needed. */
export function Shell({ linkProblem }: { readonly linkProblem: string | undefined }) {
  const place = usePlace();
  const [keyTurn, setKeyTurn] = useState(0);
  const asked = useAsked((signal) => ask<Status>('/api/v1/status', { signal }), [keyTurn], { everyMs: STATUS_EVERY_MS });
  const known = useLast(asked.kind === 'answered' ? asked : undefined, keyTurn);
  const current = PAGES.find(({ path }) => path === (place.path[0] ?? 'overview'));
  useEffect(() => {
    document.title = `${current?.title ?? 'Nothing here'} · Thyme`;
  }, [current]);
  const refused =
    asked.kind === 'failed' && asked.error instanceof ApiProblem && (asked.error.status === 401 || asked.error.status === 403);
  if (refused) {
    const why = sessionKey() === undefined ? linkProblem : asked.error.message;
    return <KeyForm why={why} onKey={() => setKeyTurn(keyTurn + 1)} />;
  }
  const leave = (): void => {
    forgetKey();
    setKeyTurn(keyTurn + 1);
  };
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to the content
      </a>
      <Navigation current={current?.path} onLeave={sessionKey() === undefined ? undefined : leave} />
      <main id="main" tabIndex={-1}>
        {linkProblem !== undefined && sessionKey() === undefined && <p class="note warning">{linkProblem}</p>}
        {asked.kind === 'failed' && <Problem error={asked.error} />}
        {current === undefined ? (
          <Nowhere />
        ) : (
          known !== undefined && <current.page place={place} status={known.value} readMs={known.readMs} />
        )}
        {known === undefined && asked.kind === 'waiting' && <p class="quiet">Asking the platform …</p>}
      </main>
    </div>
  );
}

function Navigation({ current, onLeave }: { readonly current: string | undefined; readonly onLeave: (() => void) | undefined }) {
  return (
    <header class="side">
      <a class="brand" href={hrefOf(['overview'])}>
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <path d="M2 13 C5 13 6 3 8 3 S11 13 14 13" />
          <line x1="8" y1="1" x2="8" y2="15" />
        </svg>
        Thyme
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ path, title }) => (
          <a key={path} href={hrefOf([path])} aria-current={path === current ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="side-foot">
        <ThemeButton />
        {onLeave !== undefined && (
          <button type="button" class="plain" onClick={onLeave}>
            Forget key
          </button>
        )}
      </div>
    </header>
  );
}

const THEMES = ['system', 'light', 'dark'] as const;

function ThemeButton() {
  const [theme, setTheme] = useState(() => localStorage.getItem('thyme theme') ?? 'system');
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem('thyme theme', theme);
  }, [theme]);
  const next = THEMES[(THEMES.findIndex((one) => one === theme) + 1) % THEMES.length] ?? 'system';
  return (
    <button type="button" class="plain" onClick={() => setTheme(next)} aria-label={`Theme: ${theme}. Change to ${next}`}>
      Theme: {theme}
    </button>
  );
}

function Nowhere() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        <a href={hrefOf(['overview'])}>Overview</a>
      </p>
    </>
  );
}

/** What was last there, so that a question that fails does not empty the page; another key begins anew. */
function useLast<T>(value: T | undefined, turn: number): T | undefined {
  const [last, setLast] = useState<{ readonly value: T; readonly turn: number } | undefined>(undefined);
  useEffect(() => {
    if (value !== undefined) setLast({ value, turn });
  }, [value]);
  return value ?? (last?.turn === turn ? last.value : undefined);
}

function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
