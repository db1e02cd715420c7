import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/', 'gen/', 'node_modules/', 'test/types/', 'services/launch.js', 'eslint.config.js'] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Chai's assertions are expressions, and definitions are classes of static methods.
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      // A contract's method is async whether or not this implementation waits for anything.
      '@typescript-eslint/require-await': 'off',
      // In loops over typed arrays and pages the index is known to be within; a check would cost what the layout saves.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // It takes what a field was before an `await`, or an assertion between two named limits, for certain.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-base-to-string': 'off',
      // What an author's code gives is converted whatever its type says.
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      // What a stream or a callback was failed with is passed on as it is.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    // The face's types need `any` where a type must accept whatever the author declared.
    files: ['libs/definition/**'],
    rules: { '@typescript-eslint/no-explicit-any': 'off', '@typescript-eslint/no-unnecessary-type-arguments': 'off', '@typescript-eslint/no-unnecessary-type-parameters': 'off' },
  },
  {
    // The Arrow library's own types are generic over `any`.
    files: ['libs/rest/arrow*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off', '@typescript-eslint/no-unsafe-argument': 'off' },
  },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
