export * from './schema/index.js';
export { withTenancy } from './scope/database.js';
