// The entry module `thyme/vitest`. Vitest, and Vite 8, leave standard decorators as they are, and no Node reads those yet.

/** What Vite and Vitest ask a plugin, as far as this one answers. */
export interface DecoratorsPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  transform(code: string, id: string): Promise<{ readonly code: string; readonly map: string } | undefined>;
}

const TYPESCRIPT = /\.[cm]?tsx?(?:\?|$)/;
const DECORATOR = /^[ \t]*@\w/m;

/** For `plugins` of vitest.config.ts: compiles modules with decorators as `thyme commit` does. */
export function standardDecorators(): DecoratorsPlugin {
  return {
    name: 'thyme-decorators',
    enforce: 'pre',
    async transform(code, id) {
      if (!TYPESCRIPT.test(id) || !DECORATOR.test(code) || id.includes('/node_modules/')) return undefined;
      const { transform } = await import('esbuild');
      return transform(code, {
        loader: id.includes('.tsx') ? 'tsx' : 'ts',
        target: 'es2022',
        sourcefile: id,
        sourcemap: 'external',
        tsconfigRaw: { compilerOptions: { experimentalDecorators: false, useDefineForClassFields: true, verbatimModuleSyntax: true } },
      });
    },
  };
}
