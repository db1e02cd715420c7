import { formatTimestamp } from '../../libs/time/timestamp.js';
import { jsonOf, request, post, type HttpAnswer } from '../support/http.js';
import { BUYERS, DAY_US, MARKETS, PRODUCTS, SITES, type PartitionRecords } from './partition-records.js';

/** Every kind of read over every pipeline, at instants of now and then, as text without `freshness`. */
export async function allAnswers(url: string, records: PartitionRecords): Promise<readonly string[]> {
  const instants = [records.endUs, records.pastUs, records.endUs - 9 * DAY_US].map(formatTimestamp);
  const entities: readonly (readonly [string, readonly string[]])[] = [
    ['AccountTrades', records.accounts],
    ['Trade', records.accounts],
    ['MarketTrades', MARKETS],
    ['MarketWeeks', MARKETS],
    ['BuyerSpend', BUYERS],
    ['PricedSale', BUYERS],
    ['ProductSales', [...PRODUCTS, 'unpriced']],
    ['VisitorPages', records.visitors],
    ['VisitLevels', ['1', '2', '3', '4', '5', '6']],
    ['SiteReadings', SITES],
    ['Reading', records.devices],
  ];
  const lookups = entities.flatMap(([type, ids]) =>
    ids.flatMap((id) =>
      instants.map((timestamp) => `/features?${new URLSearchParams({ entity_type: type, entity_id: id, timestamp }).toString()}`),
    ),
  );
  const answers: string[] = [];
  for (const path of lookups) answers.push(`${path}: ${comparable(await request(url + path))}`);
  for (const [featureset, ids] of [
    ['Trader', [...records.accounts, 'nobody']],
    ['Market', MARKETS],
    ['Spender', BUYERS],
  ] as const) {
    for (const timestamp of instants)
      answers.push(`${featureset}: ${comparable(await post(`${url}/features/batch`, { featureset, entity_ids: ids, timestamp }))}`);
    const queries = ids.flatMap((id, i) =>
      [0, 1, 2].map((n) => ({ entity_id: id, timestamp: formatTimestamp(records.endUs - (i * 3 + n) * 2_700e6) })),
    );
    answers.push(`${featureset}: ${comparable(await post(`${url}/features/offline`, { featureset, queries }))}`);
  }
  return answers;
}

/** The featureset that the second revision adds to, at the instant that nothing changes which is pushed beside it. */
export async function marketAnswer({ url }: { readonly url: string }, { pastUs }: PartitionRecords): Promise<string> {
  return comparable(await post(`${url}/features/batch`, { featureset: 'Market', entity_ids: MARKETS, timestamp: formatTimestamp(pastUs) }));
}

function comparable(answer: HttpAnswer): string {
  jsonOf(answer);
  return answer.text.replace(/,"freshness":\{[^}]*\}/, '');
}
