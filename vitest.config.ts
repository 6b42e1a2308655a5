import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Long runs, which are asked for by name: RUN=fuzz npx vitest run
    include: process.env.RUN ? [`test/**/${process.env.RUN}.run.ts`] : ['test/**/*.test.ts'],
    globalSetup: ['test/support/server.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
