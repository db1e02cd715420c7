import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SHOPPERS = 5;
const CART_TOTALS = [20, 900];
/** Before now, so that orders have come meanwhile. */
const MINUTES_AGO = [5, 1];

/**
 * A training set to be: carts of the last minutes, with the label that a model is to learn. Each row is answered with
 * what was known of the shopper when the cart was there, and with that cart's total as the request-time input.
 */
export function writeCarts(folder: string, nowMs: number): string {
  const rows = MINUTES_AGO.flatMap((minutes) =>
    Array.from({ length: SHOPPERS }, (_, shopper) =>
      CART_TOTALS.map((total) => `user_${shopper},${new Date(nowMs - minutes * 60_000).toISOString()},${total},${total > 500 ? 1 : 0}`),
    ).flat(),
  );
  const file = join(folder, 'carts.csv');
  writeFileSync(file, `user_id,timestamp,cart_total,is_fraud\n${rows.join('\n')}\n`);
  return file;
}
