export { safeFunctions } from './functions.js';
export { Prover, type Statement } from './prove.js';
export { loadParser } from './parser.js';
export { Tables, type Declared } from './tables.js';
export { proveView } from './view.js';
