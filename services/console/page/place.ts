import { useEffect, useState } from 'preact/hooks';

/** `#/travel/AirportDelay?entity=ATL`: it stays in the browser, so entities and values reach no log of a server. */
export interface Place {
  /** The parts of the path: `['travel', 'AirportDelay']`. */
  readonly path: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export function hrefOf(path: readonly string[], query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

export function readPlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decode),
    query: new Map(new URLSearchParams(query)),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Where the address leads, now and whenever it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const follow = (): void => setPlace(readPlace(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return place;
}

/** Writes what the page shows into its address, without a step in the history for each move. */
export function rewritePlace(path: readonly string[], query: Query): void {
  const href = hrefOf(path, query);
  if (href !== location.hash) history.replaceState(null, '', href);
}
