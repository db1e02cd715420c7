// The Kinesis connector, put to the suite of all connectors, on two servers that speak the service's protocol.
import { holdsTheContract } from '../contract/holds-the-contract.js';
import { openStreamSystem } from '../contract/kinesis-system.js';
import { componentOrSkip } from '../support/component.js';
import { kinesalite, type KinesisServer } from '../support/kinesis-servers.js';
import { moto } from '../support/s3-servers.js';

const MOTO_ACCOUNT = '123456789012';

for (const { name, what, isThere, start } of [
  { name: 'moto', what: moto.what, isThere: moto.isThere, start: async () => ({ ...(await moto.start()), account: MOTO_ACCOUNT }) },
  { name: 'kinesalite', ...kinesalite },
]) {
  describe(`the contract of sources: kinesis, on ${name}`, function () {
    this.timeout(120_000);
    let server: KinesisServer | undefined;

    before(async function () {
      componentOrSkip(this, isThere(), what);
      server = await start();
    });

    after(() => server?.stop());

    holdsTheContract(() => {
      if (server === undefined) throw new Error('the server is started in before()');
      return openStreamSystem(server);
    });
  });
}
