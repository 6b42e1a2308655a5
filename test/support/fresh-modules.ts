/**
 * For a test of how PostgreSQL's parser is loaded: a file that imports this before all else has src/sql for itself,
 * too, and leaves none of it behind.
 */
import { afterAll, vi } from 'vitest';

vi.resetModules();
afterAll(() => vi.resetModules());
