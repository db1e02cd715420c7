import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import { connectors, registerConnector } from '../../libs/definition/connectors.js';
import feed from '../../infra/examples/feed-connector.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('the page about sources', () => {
  const page = readFileSync('docs/sources.md', 'utf8');
  const code = [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, text = '']) => text);
  const modules = code.filter((text) => text.includes('@source('));

  before(() => {
    if (!connectors.has(feed.name)) registerConnector(feed.name, feed.rules);
  });

  it('shows the connector that the contract suite is run with, in about 60 lines', () => {
    const shown = code.find((text) => !modules.includes(text));
    expect(shown).to.equal(readFileSync('infra/examples/feed-connector.ts', 'utf8'));
    expect(shown?.split('\n').length).to.be.within(40, 75);
  });

  it('has modules', () => {
    expect(modules).to.have.lengthOf(11);
  });

  for (const [i, text] of modules.entries()) {
    it(`shows a module that can be committed, ${i + 1}`, async () => {
      const file = join(temporaryFolder(), 'features.ts');
      writeFileSync(file, text);
      const { definitions } = await readModule(file);
      expect(checkDefinitions(definitions)).to.deep.equal([]);
      expect(definitions.sources).to.have.lengthOf(1);
    });
  }
});
