/** Stands in for `work.js` where there are no files. */
import { UnsupportedTenantOperationError } from '../errors.js';

const refuse = (): never => {
  throw new UnsupportedTenantOperationError(
    'Use tenantData() on Node.js, Bun or Deno: it needs their files and streams, which this runtime does not have.',
  );
};
export {
  refuse as compareTenants,
  refuse as countTenant,
  refuse as eraseTenant,
  refuse as exportTo,
  refuse as importPieces,
  refuse as piecesOf,
  refuse as readTenant,
  refuse as streamOf,
};
