// The contract of sources, kills included, on tables that pyiceberg writes: in Glue and S3, on moto.
import { holdsTheContract } from '../contract/holds-the-contract.js';
import { componentOrSkip } from '../support/component.js';
import { hasPyIceberg, PyIceberg, pyicebergWhat } from '../support/pyiceberg.js';
import { moto, type S3Server } from '../support/s3-servers.js';
import { openGlueSystem, openLake } from './iceberg-glue-system.js';

describe('the contract of sources: iceberg, in Glue and S3', function () {
  this.timeout(180_000);
  let server: S3Server | undefined;
  let python: PyIceberg | undefined;

  before(async function () {
    componentOrSkip(this, hasPyIceberg(), pyicebergWhat);
    componentOrSkip(this, moto.isThere(), moto.what);
    server = await moto.start();
    python = PyIceberg.start();
    await openLake(python, server);
  });

  after(async () => {
    await python?.stop();
    await server?.stop();
  });

  holdsTheContract(() => {
    if (server === undefined || python === undefined) throw new Error('both are started in before()');
    return openGlueSystem(python, server);
  });
});
