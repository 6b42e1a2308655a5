import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const packageJson: { exports: Record<string, { import?: { default?: string } }> } = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
);

export default defineConfig({
  resolve: {
    // The recipes import the package by its name, as an application does: here that is the sources.
    alias: Object.entries(packageJson.exports).flatMap(([name, { import: entry }]) =>
      entry?.default === undefined
        ? []
        : [
            {
              find: new RegExp(`^drizzle-tenant${name.slice(1)}$`),
              replacement: new URL(entry.default.replace('dist', 'src').replace(/js$/, 'ts'), import.meta.url).pathname,
            },
          ],
    ),
  },
  test: {
    // Long runs, which are asked for by name: RUN=fuzz npx vitest run
    include: process.env.RUN ? [`test/**/${process.env.RUN}.run.ts`] : ['test/**/*.test.ts'],
    globalSetup: ['test/support/server.ts'],
    // A process for each file costs most of a second. Two processes run them all, and each file loads most of the
    // sources anew.
    isolate: false,
    setupFiles: ['test/support/modules.ts'],
    // Much of the time is the server's, so that a core is not left free for it where there are two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
