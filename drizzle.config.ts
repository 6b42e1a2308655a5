import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './playground/schema.ts',
  out: './drizzle',
});
