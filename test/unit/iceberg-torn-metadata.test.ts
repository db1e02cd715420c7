// Who writes a table into a folder need not put a file of metadata there whole: a poll may come upon half of it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { openMetadataPath } from '../../libs/source/iceberg/metadata-path.js';
import { SourceError } from '../../libs/source/source-error.js';
import { fieldsOf, icebergSettings } from '../support/iceberg-reading.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const METADATA = JSON.stringify({
  'format-version': 2,
  'table-uuid': 'u',
  location: '/t',
  schemas: [{ 'schema-id': 0, type: 'struct', fields: [] }],
  'current-schema-id': 0,
  'partition-specs': [{ 'spec-id': 0, fields: [] }],
});

describe('a file of an Iceberg table that is being written', () => {
  for (const { name, bytes } of [
    { name: '00001-a.metadata.json', bytes: Buffer.from(METADATA) },
    { name: '00001-a.gz.metadata.json', bytes: gzipSync(METADATA) },
  ])
    it(`is read again until it is whole: ${name}`, async () => {
      const folder = temporaryFolder();
      await mkdir(join(folder, 'metadata'));
      const catalog = openMetadataPath(folder, icebergSettings({ catalog: folder }, fieldsOf({ at: 'timestamp' })));
      for (let length = 0; length < bytes.length; length++) {
        await writeFile(join(folder, 'metadata', name), bytes.subarray(0, length));
        const error = await catalog.load(AbortSignal.timeout(10_000)).then(
          () => undefined,
          (failure: unknown) => failure,
        );
        expect(error, `${length} of ${bytes.length} bytes`).to.be.instanceOf(SourceError);
        expect(error, `${length} of ${bytes.length} bytes`).to.include({ disposition: 'retry', code: 'THYME_SOURCE_ICEBERG_FILE' });
      }
      await writeFile(join(folder, 'metadata', name), bytes);
      expect((await catalog.load(AbortSignal.timeout(10_000))).table.uuid).to.equal('u');
    });
});
