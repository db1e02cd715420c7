// The contract of sources, of BigQuery: on bqemulator, which runs the SQL, by the official client.
import { componentOrSkip } from '../support/component.js';
import { holdsTheContract } from '../contract/holds-the-contract.js';
import { openBigQuerySystem } from './bigquery-system.js';
import { bqemulator, type WarehouseServer } from './warehouse-servers.js';

describe('the contract of sources: bigquery', () => {
  let server: WarehouseServer | undefined;

  before(async function () {
    componentOrSkip(this, bqemulator.isThere(), bqemulator.what);
    server = await bqemulator.start();
  });

  after(() => server?.stop());

  holdsTheContract(() => {
    if (server === undefined) throw new Error('the server is started in before()');
    return openBigQuerySystem(server);
  });
});
