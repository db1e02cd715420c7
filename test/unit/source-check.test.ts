import { expect } from 'chai';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { unreadableSources } from '../../services/registry/source-check.js';
import { numberDataset, polled } from '../integration/sources-fixture.js';

const BUILT = new Set(['files', 'postgres']);
const upsert: Partial<DatasetDefinition> = { cdc: { mode: 'upsert', rowKey: ['n'] } };

function said(dataset: DatasetDefinition, source: SourceDefinition): readonly string[] {
  const definitions = { datasets: [dataset], sources: [source], pipelines: [], featuresets: [] };
  return unreadableSources(definitions, BUILT).map(({ place, message, fix }) => `${place}: ${message}; ${fix}`);
}

describe('sources that a commit may name', () => {
  it('are those of connectors that are there', () => {
    expect(said(numberDataset('A'), polled('A'))).to.deep.equal([]);
    expect(said(numberDataset('A'), polled('A', 'kinesis'))).to.deep.equal([
      "A: this version of Thyme has no connector 'kinesis' yet; push its records, or use files or postgres",
    ]);
  });

  it('agree with their dataset on what its records are (S17)', () => {
    expect(said(numberDataset('A', upsert), polled('A', 'postgres', { cdc: 'upsert' }))).to.deep.equal([]);
    expect(said(numberDataset('A'), polled('A', 'postgres', { cdc: 'upsert' }))[0]).to.contain(
      "@dataset({ cdc: 'upsert', rowKey: [...] })",
    );
    expect(said(numberDataset('A', upsert), polled('A'))[0]).to.contain("write cdc: 'upsert' at the source as well");
  });
});
