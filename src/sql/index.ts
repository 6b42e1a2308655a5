export { prove } from './prove/prove.js';
export { loadParser } from './load.js';
export { Tables, type Declared } from './tables.js';
export { proveView } from './view.js';
