export { proveScoped, type ProveScopedOptions } from './prove.js';
