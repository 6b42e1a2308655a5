import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Long runs, which are asked for by name: RUN=fuzz npx vitest run
    include: process.env.RUN ? [`test/**/${process.env.RUN}.run.ts`] : ['test/**/*.test.ts'],
    globalSetup: ['test/support/server.ts'],
    // Much of the time is the server's, so that a core is not left free for it where there are two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
