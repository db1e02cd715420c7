// Tables that Iceberg's own library writes, in its own REST catalog: deletes by position and by equality, compaction, Avro; what the
// source gives is what the library reads.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { hasIcebergJava, icebergJavaWhat, startIcebergCatalog, type RunningCatalog } from '../../infra/iceberg/iceberg-catalog.js';
import { componentOrSkip } from '../support/component.js';
import { fieldsOf, IcebergPolls, icebergSettings } from '../support/iceberg-reading.js';

const FIELDS = fieldsOf({ k: 'string', n: 'int', at: 'timestamp' });

type Rows = readonly Readonly<Record<string, unknown>>[];

for (const format of ['PARQUET', 'AVRO'] as const)
  describe(`the iceberg source on ${format} tables of the Java library, through its REST catalog`, function () {
    this.timeout(120_000);
    let folder: string;
    let catalog: RunningCatalog;
    let tables = 0;
    const opened: IcebergPolls[] = [];

    before(async function () {
      componentOrSkip(this, await hasIcebergJava(), icebergJavaWhat);
      folder = await mkdtemp(join(tmpdir(), 'thyme-iceberg-'));
      catalog = await startIcebergCatalog(folder);
    });

    after(async () => {
      await catalog?.stop();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    afterEach(() => Promise.all(opened.splice(0).map((polls) => polls.close())));

    async function table(): Promise<string> {
      const name = `t${tables++}`;
      await catalog.say(`create ${name} ${format}`);
      return name;
    }

    async function open(name: string, rowKey?: readonly string[]): Promise<IcebergPolls> {
      const config = { table: name, catalog: catalog.url, database: 'db', credential: { secret: 'env:CREDENTIAL' } };
      // The catalog gives a token for it, and takes any.
      const polls = await IcebergPolls.open(icebergSettings(config, FIELDS, rowKey, { CREDENTIAL: 'user:secret' }), 7);
      opened.push(polls);
      return polls;
    }

    /** The state that changes lead to, as the library writes it: `n:k,...`. */
    function apply(state: Map<number, unknown>, rows: Rows): string {
      for (const { op, n, k } of rows) {
        if (op === 'delete') state.delete(Number(n));
        else state.set(Number(n), k);
      }
      return [...state]
        .sort(([a], [b]) => a - b)
        .map(([n, k]) => `${n}:${String(k)}`)
        .join(',');
    }

    it('loads what is there without the rows that are deleted', async () => {
      const name = await table();
      await catalog.say(`append ${name} 0 50`);
      await catalog.say(`append ${name} 50 60`);
      await catalog.say(`change ${name} 1,51 k3 5,6,59 -`);
      await catalog.say(`append ${name} 1 2`); // came after the delete of 1
      for (const rowKey of [undefined, ['n']])
        expect(apply(new Map(), await (await open(name, rowKey)).inputs())).to.equal(await catalog.say(`rows ${name}`));
    });

    it('follows each commit by key: deletes by equality, by other columns, and by position, with rows that replace them', async () => {
      const name = await table();
      await catalog.say(`append ${name} 0 50`);
      const polls = await open(name, ['n']);
      const state = new Map<number, unknown>();
      apply(state, await polls.inputs());
      const commits = ['1,2 - - 1,100', '- k3 - -', '- - 4,5 5', '100,1 k5 7 101,102', '101 - - 101'];
      for (const commit of commits) {
        await catalog.say(`change ${name} ${commit}`);
        const changes = await polls.inputs();
        expect(apply(state, changes), commit).to.equal(await catalog.say(`rows ${name}`));
        expect(changes.length, commit).to.be.lessThan(20);
      }
    });

    it('adds no rows for compaction, and goes on behind it', async () => {
      const name = await table();
      await catalog.say(`append ${name} 0 20`);
      const polls = await open(name);
      expect(await polls.poll()).to.have.length(20);
      await catalog.say(`compact ${name}`);
      expect(await polls.poll()).to.deep.equal([]);
      await catalog.say(`append ${name} 20 25`);
      expect((await polls.inputs()).map(({ n }) => n)).to.deep.equal([20, 21, 22, 23, 24]);
    });

    it('says in the words of the catalog that there is no such table', async () => {
      const polls = await open('nowhere');
      const error: unknown = await polls.poll().then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(String(error)).to.match(/there is no such table or namespace \(.*nowhere/);
    });
  });
