export type { CompareOptions, Comparison, TableComparison } from './compare.js';
export type { Counted, TableCount } from './count.js';
export type { EraseOptions, EraseRecord, Erasing } from './erase.js';
export type { Mask, Masks, Progress } from './export.js';
export type { ExportFormat } from './export-to.js';
export type { Bytes, ExportSource } from './files.js';
export type { ExportedColumn, ExportedTable, ExportHead, Manifest, TableDigest } from './format.js';
export type { Imported, ImportOptions } from './import.js';
export type { CloneOptions, ExportOptions, ExportToOptions, Restored, TenantData } from './tenant-data.js';
