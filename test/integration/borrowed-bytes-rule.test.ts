import { ESLint } from 'eslint';
import { expect } from 'chai';

const LINTED_AS = 'libs/timeline/base-page.ts'; // the rule needs types, and so a file that the project has

async function complaintsOf(code: string): Promise<readonly string[]> {
  const eslint = new ESLint({ overrideConfig: { rules: { '@typescript-eslint/no-unused-vars': 'off' } } });
  const [result] = await eslint.lintText(code, { filePath: LINTED_AS });
  return (result?.messages ?? []).map(({ line, messageId }) => `${line} ${messageId}`);
}

describe('the lint rule on borrowed bytes', function () {
  this.timeout(120_000); // it type-checks the project

  it('refuses what is right of an array of its own and wrong of a Buffer, and nothing else', async () => {
    const code = `
      export const faulty = (page: Uint8Array): Float64Array => new Float64Array(page.slice(16).buffer);
      export const view = (page: Uint8Array): Uint8Array => page.slice(1, 2);
      export const whole = (page: Uint8Array | undefined): DataView | undefined => page && new DataView(page.buffer);
      export const here = (page: Uint8Array): Float64Array => new Float64Array(page.buffer, page.byteOffset + 16, 2);
      export function made(): DataView {
        const page = new Uint8Array(8);
        return new DataView(page.buffer);
      }
      export const copied = (page: Uint8Array): Uint8Array => new Uint8Array(page.subarray(1, 2));
      export const text = (name: string, words: Float64Array): unknown => [name.slice(1), words.slice(1)];
    `;
    expect(await complaintsOf(code)).to.deep.equal(['2 buffer', '2 slice', '3 slice', '4 buffer']);
  });
});
