// A connector of one's own: an HTTP feed, `GET <url>?after=7&limit=100`, that answers
// { "last": 9, "rows": [{ "id": 8, ... }, ...] } in the order of ids.
import { type Connector, type OwnConnector, SourceError, textParameter } from 'thyme/connector';

interface Page {
  /** The id of the newest row. */
  readonly last: number;
  readonly rows: readonly { readonly id: number }[];
}

/** How far it was read, and where the end was when it was read for the first time. */
interface Position {
  readonly after: number;
  readonly initialEnd: number;
}

async function pageOf(url: string, after: number, limit: number, signal: AbortSignal): Promise<Page> {
  try {
    const response = await fetch(`${url}?after=${after}&limit=${limit}`, { signal });
    if (response.status === 404) throw new SourceError('stop', 'THYME_SOURCE_FEED', `there is no feed at ${url}: correct its address`);
    if (!response.ok) throw new SourceError('retry', 'THYME_SOURCE_FEED', `${url} answers ${response.status}`);
    return (await response.json()) as Page; // rows that do not fit the dataset are dead letters
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    throw new SourceError('retry', 'THYME_SOURCE_FEED', `${url} does not answer`, { cause });
  }
}

export function create(): Connector {
  return {
    name: 'feed',
    fingerprint: (settings) => JSON.stringify(['feed', textParameter(settings, 'url')]),
    async test(settings, signal) {
      const url = textParameter(settings, 'url');
      const { last, rows } = await pageOf(url, 0, 1, signal);
      return { steps: [{ what: 'reached', ok: true, detail: `its newest row is ${last}` }], sample: rows[0] };
    },
    async open(settings) {
      const url = textParameter(settings, 'url');
      let lag = {};
      return {
        async *read(stored, { rowsMax }, signal) {
          let at = stored as Position | undefined;
          while (!signal.aborted) {
            const { last, rows } = await pageOf(url, at?.after ?? 0, rowsMax, signal);
            const end = at?.initialEnd ?? last;
            at = { after: rows.at(-1)?.id ?? at?.after ?? 0, initialEnd: end };
            lag = { rows: last - at.after };
            if (rows.length === 0) return; // until the next poll
            yield {
              rows: rows.map((row) => ({ input: row, lane: 'feed', historical: row.id <= end, place: `row ${row.id}` })),
              position: { ...at },
            };
          }
        },
        describe: (position) => `behind row ${(position as unknown as Position).after}`,
        lag: () => lag,
        close: async () => undefined,
      };
    },
  };
}

const rules = { mode: 'poll', required: ['url'], optional: [], secrets: [], cursor: 'none', cdc: ['append', 'upsert'] } as const;
export default { name: 'feed', rules, create } satisfies OwnConnector;
