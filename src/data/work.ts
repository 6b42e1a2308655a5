/**
 * What `tenantData` does, loaded when it is first asked for. It reads and writes files, so the build lets a bundler for
 * browsers, workerd and edge runtimes take `nowhere.js` in its place, by `imports` of package.json.
 */
export { compareTenants } from './compare.js';
export { compareWithExport } from './compare-export.js';
export { countTenant } from './count.js';
export { eraseTenant } from './erase.js';
export { readTenant } from './export.js';
export { exportTo } from './export-to.js';
export { piecesOf, streamOf } from './files.js';
export { importPieces } from './import.js';
