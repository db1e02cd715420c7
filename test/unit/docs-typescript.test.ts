// What the package exports is documented where it is declared, and the reference that is made of it has it all.
import { expect } from 'chai';
import { entryPoints, publicExports, typescriptReference, type PublicExport } from '../../infra/docs/typescript-reference.js';

describe('the reference of TypeScript', function () {
  this.timeout(180_000);
  let found: readonly PublicExport[];
  let page: string;
  before(() => {
    found = publicExports();
    page = typescriptReference(found);
  });

  it('has every module that package.json exports', () => {
    expect(entryPoints().map(({ name }) => name)).to.include.members([
      'thyme',
      'thyme/client',
      'thyme/sources',
      'thyme/testing',
      'thyme/vitest',
    ]);
    for (const { name } of entryPoints()) {
      expect(page).to.include(`\n## ${name}\n`);
      expect(
        found.some(({ entry }) => entry === name),
        name,
      ).to.equal(true);
    }
  });

  it('finds words about every export', () => {
    expect(found.length).to.be.at.least(120);
    expect(found.filter(({ doc }) => doc === '').map(({ entry, name }) => `${entry}: ${name} lacks a /** comment */`)).to.deep.equal([]);
  });

  it('shows signatures as the package declares them, with the comments of members, and nothing of what is private', () => {
    const code = (name: string): string => found.find((one) => one.name === name)?.declaration ?? '';
    expect(code('ThymeClient')).to.match(/^class ThymeClient \{\n {2}constructor\(options: RestClientOptions\);/);
    expect(code('ThymeClient')).to.match(/\/\*\* One entity's features[^]*query<C extends Class>\(/);
    expect(code('postgres').match(/^function postgres\(/gm), 'each way to call it').to.have.lengthOf(2);
    expect(code('Stream')).to.match(/^interface Stream<in out R> \{\n {2}\/\*\* Keeps the rows/);
    expect(page).to.not.match(/#private|export declare/);
  });

  it('shows options that a declaration names and nobody imports', () => {
    const { beside = [] } = found.find(({ name }) => name === 'dataset') ?? {};
    expect(beside.join('\n'))
      .to.match(/interface DatasetWords extends About/)
      .and.match(/interface About/);
    expect(page).to.include('/** S20: how much history is kept; all of it where nothing is said. */');
  });
});
