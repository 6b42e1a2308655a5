import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const packageJson: { exports: Record<string, { import?: { default?: string } }> } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

export default defineConfig({
  resolve: {
    // The recipes import the package by its name, as an application does: here that is the sources.
    alias: Object.entries(packageJson.exports).flatMap(([name, { import: entry }]) =>
      entry?.default === undefined ? [] : [{ find: new RegExp(`^drizzle-tenant${name.slice(1)}$`), replacement: new URL(entry.default.replace('dist', 'src').replace(/js$/, 'ts'), import.meta.url).pathname }],
    ),
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/server.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
