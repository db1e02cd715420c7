import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { standardDecorators } from '../../libs/definition/decorators-plugin.js';

describe('thyme/vitest', () => {
  it('compiles decorators away, with a map, and leaves other modules alone', async () => {
    const plugin = standardDecorators();
    const source = readFileSync('infra/examples/fraud.ts', 'utf8');
    const compiled = await plugin.transform(source, '/project/fraud.ts');
    expect(compiled?.code)
      .to.include('class Order')
      .and.not.match(/^\s*@\w/m);
    expect(JSON.parse(compiled?.map ?? '')).to.have.deep.property('sources', ['/project/fraud.ts']);
    expect(await plugin.transform('export const a: number = 1;', '/project/a.ts')).to.equal(undefined);
    expect(await plugin.transform(source, '/project/fraud.js')).to.equal(undefined);
    expect(await plugin.transform(source, '/project/node_modules/x/fraud.ts')).to.equal(undefined);
  });
});
