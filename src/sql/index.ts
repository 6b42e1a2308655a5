export { safeFunctions } from './prove/functions.js';
export { Prover, type Statement } from './prove/prove.js';
export { loadParser } from './load.js';
export { Tables, type Declared } from './tables.js';
export { proveView } from './prove/view.js';
