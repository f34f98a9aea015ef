import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// `./dev ui` names the API of a running lab here.
const api = process.env.KEYHOLE_API ?? 'http://127.0.0.1:8080';

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // Vitest would take the server's half of Svelte.
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  build: {
    outDir: '../python/keyhole/page',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What nearly every page needs comes with the first load: as a chunk for each of them, a page
      // would wait for twenty small files, six at a time.
      output: {
        codeSplitting: {
          groups: [{ name: 'parts', test: /\/src\/parts\/(?!QrCode|VirtualRows|uplot)/ }],
        },
      },
    },
  },
  server: {
    // Besides the page's own sources, the schemas of documents and the table of services.
    fs: { allow: ['.', '../schema', '../python/keyhole/model/tables'] },
    proxy: { '/api': { target: api, changeOrigin: false } },
  },
  test: {
    environment: 'happy-dom',
    environmentOptions: {
      happyDOM: { settings: { navigation: { disableMainFrameNavigation: true } } },
    },
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
  },
}));
