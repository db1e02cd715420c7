import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { borrowedBytes } from './infra/lint/borrowed-bytes.js';

export default defineConfig(
  {
    ignores: [
      'dist/',
      'gen/',
      'node_modules/',
      'test/types/',
      'services/program/launch.js',
      'infra/lint/*.js',
      'infra/package/*.js',
      'infra/templates/', // a project of its own, which the package suite compiles and runs
      'eslint.config.js',
    ],
  },
  tseslint.configs.strictTypeChecked,
  {
    files: ['libs/**', 'services/**'],
    plugins: { thyme: { rules: { 'borrowed-bytes': borrowedBytes } } },
    rules: { 'thyme/borrowed-bytes': 'error' },
  },
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
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    // The Arrow library's own types are generic over `any`.
    files: ['libs/rest/arrow*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off', '@typescript-eslint/no-unsafe-argument': 'off' },
  },
  {
    // Rows are plain objects of a class's shape, as clients send them; and node:test waits for its own tests.
    files: ['test/**', 'infra/examples/**', 'infra/templates/**', 'infra/bench/**'],
    rules: {
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['test/**'],
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
