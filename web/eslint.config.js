import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['node_modules', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      // A file that a reader cannot hold in mind is split.
      'max-lines': ['error', { max: 200 }],
      'no-undef': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
    rules: {
      // Names from DNS are shown as text, never as markup; and the policy forbids inline styles.
      'svelte/no-at-html-tags': 'error',
      // The directive `style:name` is set by script, which the policy allows.
      'no-restricted-syntax': [
        'error',
        {
          selector: "SvelteAttribute[key.name='style']",
          message: 'The content security policy drops style attributes: use style:name.',
        },
      ],
      // Addresses are made and thrown away here; what is reactive is the router's URL.
      'svelte/prefer-svelte-reactivity': 'off',
      // That rule is for SvelteKit.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
);
