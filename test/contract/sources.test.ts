// Every connector that needs no other server than Postgres and one of S3, put to the suite that others can run for theirs.
import { componentOrSkip } from '../support/component.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { s3rver, type S3Server } from '../support/s3-servers.js';
import { openFeedSystem } from './feed-system.js';
import { openFilesSystem } from './files-system.js';
import { openLogSystem, openTableSystem } from './postgres-system.js';
import { openBucketSystem } from './s3-system.js';
import { holdsTheContract } from './holds-the-contract.js';

describe('the contract of sources: files', () => {
  holdsTheContract(openFilesSystem, { skipped: ['slow', 'halves', 'breaks'] });
});

describe('the contract of sources: the example of one that is not part of Thyme', () => {
  holdsTheContract(openFeedSystem);
});

describe('the contract of sources: postgres', () => {
  let postgres: Postgres | undefined;

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres({ settings: ['wal_level=logical'] });
  });

  after(() => postgres?.stop());

  function server(): Postgres {
    if (postgres === undefined) throw new Error('the server is started in before()');
    return postgres;
  }

  describe('polled', () => holdsTheContract(() => openTableSystem(server())));
  // Positions before the last one are put to test in test/integration/postgres-log-*.test.ts.
  describe('by its log', () => holdsTheContract(() => openLogSystem(server()), { forgets: true }));
});

describe('the contract of sources: s3', () => {
  let server: S3Server | undefined;

  before(async function () {
    componentOrSkip(this, s3rver.isThere(), s3rver.what);
    server = await s3rver.start();
  });

  after(() => server?.stop());

  holdsTheContract(() => {
    if (server === undefined) throw new Error('the server is started in before()');
    return openBucketSystem(server);
  });
});
