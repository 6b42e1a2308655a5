export { safeFunctions } from './functions.js';
export { Prover, type Statement } from './prove.js';
export type { Declared } from './tables.js';
