export interface WithTenancyOptions<TRelations> { relations?: any; mode?: 'write-only'; _?: TRelations }
export type TenancyDatabase<TDatabase, TRelations> = any & { _?: [TDatabase, TRelations] };
