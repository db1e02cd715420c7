// Whoever writes a table says where its files lie: what it may name is what its catalog could have had there.
import { expect } from 'chai';
import { TableFiles } from '../../libs/source/iceberg/table-files.js';
import { SourceError } from '../../libs/source/source-error.js';
import { fieldsOf, icebergSettings } from '../support/iceberg-reading.js';

async function failureOf(location: string, catalog: string): Promise<unknown> {
  const files = new TableFiles(icebergSettings({ catalog, table: 't', database: 'd' }, fieldsOf({ at: 'timestamp' })));
  try {
    await files.readWhole(location, AbortSignal.timeout(10_000));
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await files.close();
  }
}

const OUT_OF_REACH = { disposition: 'stop', code: 'THYME_SOURCE_ICEBERG_UNSUPPORTED' };
const FAR = 'https://catalog.example.com/iceberg';

describe('the places that an Iceberg table may name', () => {
  for (const [location, catalog] of [
    ['/etc/passwd', FAR],
    ['file:///etc/passwd', FAR],
    ['FILE:/etc/passwd', FAR],
    ['file:///etc/passwd', 'glue'],
    ['file:///etc/passwd', 's3://bucket/table'],
    ['http://169.254.169.254/latest/meta-data', FAR],
    ['http://127.0.0.1:1/private', FAR],
    ['http://127.0.0.1:1/private', 'glue'],
    ['http://[::1]:1/private', 's3://bucket/table'],
    ['http://inside.example.com/data', '/data/tables/t'],
    ['https://catalog.example.com.evil.example/data', FAR],
  ] as const)
    it(`leave out ${location} of a table of ${catalog}`, async () => {
      const error = await failureOf(location, catalog);
      expect(error).to.be.instanceOf(SourceError).and.to.include(OUT_OF_REACH);
      expect((error as SourceError).message).to.contain(location);
    });

  for (const [location, catalog] of [
    ['/nowhere/a.parquet', '/data/tables/t'],
    ['file:///nowhere/a.parquet', 'http://127.0.0.1:1/iceberg'],
    ['http://127.0.0.1:1/a.parquet', 'http://localhost:2/iceberg'],
    ['http://[::1]:1/a.parquet', 'http://[::1]:2/iceberg'],
  ] as const)
    it(`have ${location} of a table of ${catalog}, which is tried again while it is not there`, async () => {
      expect(await failureOf(location, catalog)).to.include({ disposition: 'retry', code: 'THYME_SOURCE_ICEBERG_FILE' });
    });
});
