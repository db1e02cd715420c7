// The contract of sources, of Snowflake: on fakesnow, which runs the SQL, by the official driver.
import { componentOrSkip } from '../support/component.js';
import { holdsTheContract } from '../contract/holds-the-contract.js';
import { openSnowflakeSystem } from './snowflake-system.js';
import { fakesnow, type WarehouseServer } from './warehouse-servers.js';

describe('the contract of sources: snowflake', () => {
  let server: WarehouseServer | undefined;

  before(async function () {
    componentOrSkip(this, fakesnow.isThere(), fakesnow.what);
    server = await fakesnow.start();
  });

  after(() => server?.stop());

  holdsTheContract(() => {
    if (server === undefined) throw new Error('the server is started in before()');
    return openSnowflakeSystem(server);
  });
});
