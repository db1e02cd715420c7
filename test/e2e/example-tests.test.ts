import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

describe("the examples' own tests", function () {
  this.timeout(120_000);

  it('pass under node:test', async () => {
    const args = ['--import', 'tsx', '--test', '--test-reporter=tap', 'infra/examples/fraud.test.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout)
      .to.match(/^# pass 4$/m)
      .and.match(/^# fail 0$/m);
  });
});
