import { expect } from 'chai';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { standardDecorators } from '../../libs/definition/decorators-plugin.js';
import { compileFieldValue } from '../../libs/files/field-values.js';

/** Of text that a pattern went over again from each of its places, in minutes. */
const LENGTH = 1_000_000;
const MS_MAX = 5_000;

/** Texts of others' making that are long, and nearly what a pattern looks for. */
const READINGS: Readonly<Record<string, () => unknown>> = {
  'a long number in a file, with something behind it': () => compileFieldValue('float', true)(`${'0'.repeat(LENGTH)}!`),
  'the stack of an error whose message is long': () => {
    try {
      return evaluateBundle(`const error = new Error(); error.stack = 'jc'.repeat(${LENGTH / 2}); throw error;`);
    } catch (error) {
      return error;
    }
  },
  'a module of empty lines': () => standardDecorators().transform('\n'.repeat(LENGTH), 'module.ts'),
};

describe('patterns', () => {
  for (const [name, read] of Object.entries(READINGS))
    it(`go once over ${name}`, async () => {
      const startMs = performance.now();
      await read();
      expect(performance.now() - startMs).to.be.below(MS_MAX);
    });
});
