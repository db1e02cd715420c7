// What the service answers and bqemulator does not: limits of bytes, throttling, rights, jobs that take their time, wide numbers.
// Contract-tested, against answers as the service's reference draws them.
import { expect } from 'chai';
import type { ConfigValue } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Field } from '../../libs/schema/value-type.js';
import { bigqueryConnector } from '../../libs/source/bigquery/bigquery-connector.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { type JsonAnswer, type JsonRequest, type JsonServer, startJsonServer } from '../support/json-server.js';
import { contractTested, VALUE_COLUMNS } from '../support/value-table.js';
import { numberDataset, SourcesFixture } from './sources-fixture.js';

const WIDE = '12345678901234567890123456789012345.67890123456789012345678901234567890123';
const COLUMNS = [
  { name: 'k', type: 'STRING', mode: 'NULLABLE' },
  { name: 'n', type: 'INTEGER', mode: 'REQUIRED' },
  { name: 'at', type: 'TIMESTAMP', mode: 'NULLABLE' },
  { name: 'wide', type: 'BIGNUMERIC', mode: 'NULLABLE' },
  { name: 'odd', type: 'STRING', mode: 'NULLABLE', collation: 'und:ci' },
];
const AT_US = '1767225600000001';

describe('the BigQuery source, by answers of the service', () => {
  let server: JsonServer | undefined;
  let published: () => ReturnType<SourcesFixture['published']>;
  const started: Sources[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
    await server?.close();
    server = undefined;
  });

  async function start(
    answer: (request: JsonRequest) => JsonAnswer | undefined,
    more: Readonly<Record<string, ConfigValue>> = {},
    added: readonly Field[] = [],
  ): Promise<Sources> {
    server = await startJsonServer((request) => answer(request) ?? wellAnswer(request));
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [bigqueryConnector(clock)]);
    fixture.variables['KEY'] = 'not-a-key-c4n4ry';
    fixture.variables['ACCOUNT'] = JSON.stringify({ type: 'service_account', client_email: 'a@b.example', private_key: 'c4n4ry' });
    const config = { datasetId: 'd', table: 't', projectId: 'p', endpointUrl: `http://127.0.0.1:${server.port}`, ...more };
    const fields = [...numberDataset('A').fields, { name: 'wide', type: { kind: 'decimal', optional: true } as const }, ...added];
    const source = { dataset: 'A', connector: 'bigquery', config, cursor: 'at', everyUs: 5e6, cdc: 'append' } as const;
    await fixture.commit([numberDataset('A', { fields })], [source]);
    const sources = await fixture.start();
    started.push(sources);
    published = () => fixture.published('A', 1, fields);
    return sources;
  }

  async function ends(sources: Sources, kind: 'stopped' | 'retrying' | 'waiting'): Promise<string> {
    await eventually(() => {
      const phase = sources.list()[0]?.phase;
      if (phase !== undefined && phase.kind !== kind && 'cause' in phase) throw new Error(`${phase.kind}: ${phase.cause}`);
      return phase?.kind === kind;
    }, `it is ${kind}`);
    const phase = sources.list()[0]?.phase;
    return phase !== undefined && 'cause' in phase ? phase.cause : '';
  }

  const refusal = (code: number, reason: string, message: string): JsonAnswer => ({
    status: code,
    body: { error: { code, message, errors: [{ reason, message, domain: 'global' }] } },
  });
  const isJob = ({ method, path }: JsonRequest): boolean => method === 'POST' && path.includes('/jobs');

  it('waits for a job that takes its time, takes pages of its rows, and keeps 72 digits; the primary key is the table’s own', async () => {
    let asked = 0;
    const sources = await start(({ path }) =>
      path.includes('/queries/') && ++asked <= 2
        ? { body: { jobComplete: false, jobReference: { projectId: 'p', jobId: 'j' } } }
        : undefined,
    );
    await ends(sources, 'waiting');
    expect((await published()).map(({ row }) => row.slice(1))).to.have.deep.members([
      [1, 1_767_225_600_000_001, WIDE.replace(/0+$/, '')],
      [2, 1_767_225_600_000_001, null],
    ]);
    expect(sources.list()[0]?.position).to.equal('at 2026-01-01T00:00:00.000001Z, n 2; 20.0 MB scanned by 2 queries since it was opened');
  });

  it("keeps the table's values that the emulator does not: decimals within records", async () => {
    const [record] = contractTested('bigquery', 'struct');
    const { a, b } = JSON.parse(record?.text ?? '') as { readonly a: null; readonly b: null }; // of the table
    const members = [
      { name: 'a', type: 'STRING' },
      { name: 'b', type: 'INTEGER' },
      { name: 'c', type: 'NUMERIC' },
    ];
    const c = /"c":([\d.]+)/.exec(record?.text ?? '')?.[1];
    const sources = await start(
      ({ path }) => {
        if (path.includes('/tables/'))
          return { body: { type: 'TABLE', schema: { fields: [...COLUMNS, { name: 'v', type: 'RECORD', fields: members }] } } };
        if (!path.includes('/queries/') || jobs.get(/\/queries\/([^?]+)/.exec(path)?.[1] ?? '') === true) return undefined;
        const values = ['true', AT_US, '1', 'k', '1', AT_US, null, { f: [a, b, c].map((v) => ({ v })) }];
        return { body: { jobComplete: true, totalBytesProcessed: '0', schema: { fields: [] }, rows: [{ f: values.map((v) => ({ v })) }] } };
      },
      { key: 'n' },
      [{ name: 'v', type: VALUE_COLUMNS.struct }],
    );
    await ends(sources, 'waiting');
    expect((await published()).map(({ row }) => row[4])).to.deep.equal([record?.held]);
  });

  it('sends the limit of bytes with each query, and stands still where one would go over it', async () => {
    const sources = await start(
      (request) =>
        isJob(request)
          ? refusal(400, 'bytesBilledLimitExceeded', 'Query exceeded limit for bytes billed: 1000. 10485760 or higher required.')
          : undefined,
      { maximumBytesBilled: 1_000 },
    );
    expect(await ends(sources, 'stopped')).to.contain('10485760 or higher required');
    const job = server?.requests.find(isJob)?.body as {
      readonly configuration: { readonly query: { readonly maximumBytesBilled: string } };
    };
    expect(job.configuration.query.maximumBytesBilled).to.equal('1000');
  });

  const answers: readonly (readonly [what: string, answer: JsonAnswer, kind: 'stopped' | 'retrying', words: string])[] = [
    [
      'quotas that are used up',
      refusal(403, 'quotaExceeded', 'Quota exceeded: too many queries'),
      'retrying',
      'too many queries (quotaExceeded)',
    ],
    [
      'rights that are missing',
      refusal(403, 'accessDenied', 'Access Denied: User does not have bigquery.jobs.create'),
      'stopped',
      'bigquery.jobs.create',
    ],
    [
      'a project without billing',
      refusal(403, 'billingNotEnabled', 'Billing has not been enabled'),
      'stopped',
      'Billing has not been enabled',
    ],
    ['a key that is no longer one', refusal(401, 'authError', 'Invalid Credentials'), 'stopped', 'Invalid Credentials'],
  ];
  for (const [what, answer, kind, words] of answers)
    it(`${kind === 'stopped' ? 'stands still' : 'tries again'} for ${what}, in the service's words`, async () => {
      expect(await ends(await start((request) => (isJob(request) ? answer : undefined)), kind)).to.contain(words);
    });

  it('refuses a key that is none without repeating it, credentials over plain HTTP, and texts that a collation makes one', async () => {
    const key = { credentialsJson: { secret: 'env:KEY' } };
    const words = await ends(await start(() => undefined, key), 'stopped');
    expect(words).to.contain('credentialsJson holds no key').and.not.contain('c4n4ry');
    await server?.close();
    const account = { credentialsJson: { secret: 'env:ACCOUNT' }, endpointUrl: 'http://warehouse.example' };
    expect(await ends(await start(() => undefined, account), 'stopped')).to.contain('write https');
    await server?.close();
    expect(await ends(await start(() => undefined, { key: 'odd' }), 'stopped')).to.contain('the collation und:ci');
    expect(server?.requests.every(({ headers }) => headers.authorization === undefined)).to.equal(true);
  });
});

function wellAnswer({ method, path, body }: JsonRequest): JsonAnswer {
  if (path.includes('/tables/'))
    return { body: { type: 'TABLE', schema: { fields: COLUMNS }, tableConstraints: { primaryKey: { columns: ['n'] } } } };
  if (method === 'POST') {
    const { configuration, jobReference } = body as { readonly configuration: object; readonly jobReference: { readonly jobId: string } };
    const isLast = JSON.stringify(configuration).includes('DESC');
    jobs.set(jobReference.jobId, isLast);
    return {
      body: {
        jobReference: { projectId: 'p', jobId: jobReference.jobId, location: 'EU' },
        configuration,
        status: { state: 'RUNNING' },
        statistics: { creationTime: '1796000000000' },
      },
    };
  }
  const [, id = ''] = /\/queries\/([^?]+)/.exec(path) ?? [];
  const row = (...values: readonly (string | null)[]): object => ({ f: values.map((v) => ({ v })) });
  const done = { jobComplete: true, totalBytesProcessed: '10000000', schema: { fields: [] } };
  if (jobs.get(id) === true) return { body: { ...done, rows: [row(AT_US, '2')] } };
  if (path.includes('pageToken')) return { body: { ...done, rows: [row('true', AT_US, '2', 'k', '2', AT_US, null)] } };
  return { body: { ...done, pageToken: 'next', rows: [row('true', AT_US, '1', 'k', '1', AT_US, WIDE)] } };
}

/** Whether a job asks for the last row. */
const jobs = new Map<string, boolean>();
