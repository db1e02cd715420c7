import { expect } from 'chai';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { ThymeError } from '../../libs/errors/errors.js';

// A module that nobody type-checked may hold anything anywhere: whatever stands in the place of a
// text, a number or a flag, the answer is a refusal that names a place, never a fault of the compiler.

const MODULE = resolve('test/unit/definition-every-word.ts');
const SOURCE = readFileSync(MODULE, 'utf8');
const LITERAL = /'(?:[^'\\\n]|\\.)*'|\b\d[\d_.]*\b|\b(?:true|false)\b/g;
const OTHERS = ['undefined', 'null', 'false', '0', "''", '{}', "Symbol('x')", '() => 1', 'Object.create(null)'];

describe('a module that was never type-checked', () => {
  it('is refused with a place, whatever stands where a text, a number or a flag should', async () => {
    expect(await faultOf(SOURCE), 'the module as it is').to.equal(undefined);
    const faults: string[] = [];
    let refused = 0;
    for (const { 0: literal, index } of SOURCE.matchAll(LITERAL)) {
      if (/^(import|\/\/|\} from)/.test(SOURCE.slice(SOURCE.lastIndexOf('\n', index) + 1, index))) continue;
      for (const other of OTHERS) {
        const fault = await faultOf(`${SOURCE.slice(0, index)}(${other})${SOURCE.slice(index + literal.length)}`);
        if (fault === undefined) continue;
        refused++;
        if (!isRefusal(fault)) faults.push(`${literal} at ${index} as ${other}: ${String(fault)}`);
      }
    }
    expect(faults, faults.join('\n')).to.deep.equal([]);
    expect(refused).to.be.above(500);
  }).timeout(120_000);

  it('is told what is there, where, and what to write', async () => {
    const source = SOURCE.replace("of: 'amount', window: '24h'", "of: false, window: '24h'");
    const fault = await faultOf(source);
    expect((fault as Error).message).to.equal('Stats.stats: its aggregate.aggregations.s.of is a boolean; write it as text');
  });
});

/** What reading the module throws. It stands beside MODULE, so that imports are found. */
async function faultOf(source: string): Promise<unknown> {
  const file = MODULE.replace(/([^/]+)\.ts$/, `.shape-${process.pid}.ts`);
  writeFileSync(file, source);
  try {
    const { code } = await bundleModule(file);
    readDefinitions(evaluateBundle(code, file));
    return undefined;
  } catch (error) {
    return error;
  } finally {
    rmSync(file);
  }
}

function isRefusal(fault: unknown): boolean {
  return fault instanceof ThymeError && fault.status !== 'INTERNAL' && fault.violations.length > 0 && !/\n\s+at /.test(fault.message);
}
