/**
 * The errors of drizzle-tenant. Each has a `_tag`, so that it can be told apart without `instanceof`
 * (two copies of a package, Effect's `catchTag`), and a message that says what to do instead.
 */
import { pageOf, refusedId } from './pages.js';

abstract class TenantError extends Error {
  abstract readonly _tag: string;
  /** What the class is called where a bundler has given it another name. */
  static readonly tag: string;

  constructor(message: string, options?: ErrorOptions) {
    const { tag } = new.target;
    super(`${message} ${pageOf(tag)}`, options);
    this.name = tag;
  }
}

/** A value is not an id of the tenancy. Thrown by `parse` and `forTenant`, before anything is sent. */
export class InvalidTenantIdError extends TenantError {
  static override readonly tag = 'InvalidTenantIdError';
  readonly _tag = 'InvalidTenantIdError';

  /**
   * @param tenancy the name of the tenancy, or several joined by " or "
   * @param reason what is wrong with the value; the value itself is left out, since it may be hostile
   */
  constructor(
    readonly tenancy: string,
    readonly reason: string,
  ) {
    super(refusedId(tenancy, reason));
  }
}

/** A table or view that the handle may not touch: unclassified, or of another kind or tenancy. */
export class UnscopedTableError extends TenantError {
  static override readonly tag = 'UnscopedTableError';
  readonly _tag = 'UnscopedTableError';

  /**
   * @param table the table's name
   * @param remedy what to do instead
   */
  constructor(
    readonly table: string,
    remedy: string,
  ) {
    super(remedy);
  }
}

/** A row, a subquery or a handle names another tenant than the handle's own. */
export class TenantMismatchError extends TenantError {
  static override readonly tag = 'TenantMismatchError';
  readonly _tag = 'TenantMismatchError';
}

/** An update would move a row to another tenant. */
export class ImmutableTenantError extends TenantError {
  static override readonly tag = 'ImmutableTenantError';
  readonly _tag = 'ImmutableTenantError';

  /**
   * @param table the table's name
   * @param column the tenant column
   */
  constructor(
    readonly table: string,
    readonly column: string,
  ) {
    super(
      `Leave "${column}" out of set(): the tenant of a row in "${table}" cannot change. ` +
        'To move a row, insert it for the other tenant and delete it here.',
    );
  }
}

/** SQL written by hand that could reach a table past the tenant's filter: refused before anything is sent. */
export class RawSqlNotScopedError extends TenantError {
  static override readonly tag = 'RawSqlNotScopedError';
  readonly _tag = 'RawSqlNotScopedError';

  /**
   * @param reason what was found
   * @param place the text around it
   * @param remedy what to do instead
   */
  constructor(
    readonly reason: string,
    readonly place: string,
    remedy = 'Interpolate tables into the sql template, as in sql`select * from ${projects}`, so that they are scoped',
  ) {
    super(`${remedy}: ${reason}${place ? `, at ${JSON.stringify(place)}` : ''}.`);
  }
}

/** A statement that cannot be confined to one tenant, or that this handle does not do. */
export class UnsupportedTenantOperationError extends TenantError {
  static override readonly tag = 'UnsupportedTenantOperationError';
  readonly _tag = 'UnsupportedTenantOperationError';
}

/** A table, constraint or relation that can never work. Thrown where it is declared, or when first used. */
export class TenantDefinitionError extends TenantError {
  static override readonly tag = 'TenantDefinitionError';
  readonly _tag = 'TenantDefinitionError';

  /**
   * @param table the table's name, or "-"
   * @param column the column's name, or several, or "-"
   * @param remedy what to do instead
   */
  constructor(
    readonly table: string,
    readonly column: string,
    remedy: string,
  ) {
    const place = [table === '-' ? '' : `table "${table}"`, column === '-' ? '' : `column "${column}"`]
      .filter(Boolean)
      .join(', ');
    super(`${remedy}${place && ` (${place})`}.`);
  }
}

/** What keeps the policies from holding. */
export interface RowLevelSecurityProblem {
  /** The table's name; undefined where it is the role, or the handles. */
  readonly table?: string;
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Row-level security is asked for, and does not hold. Thrown by `assertRowLevelSecurity`, and when a layer is built.
 */
export class RowLevelSecurityError extends TenantError {
  static override readonly tag = 'RowLevelSecurityError';
  readonly _tag = 'RowLevelSecurityError';

  /**
   * @param role the role of the connection
   * @param problems what is wrong, table by table
   */
  constructor(
    readonly role: string,
    readonly problems: readonly RowLevelSecurityProblem[],
  ) {
    const said = problems.map(
      ({ table, reason, remedy }) => `${table === undefined ? '' : `"${table}" `}${reason} (${remedy})`,
    );
    super(`Make row-level security hold for the role "${role}": ${said.join('; ')}.`);
  }
}

/** The database has functions of its own under names that statements may call. Thrown by `assertNoOwnFunctions`. */
export class OwnFunctionError extends TenantError {
  static override readonly tag = 'OwnFunctionError';
  readonly _tag = 'OwnFunctionError';

  /** @param signatures what could be meant in place of PostgreSQL's own, as PostgreSQL writes it */
  constructor(
    readonly signatures: readonly string[],
    lines: readonly string[],
  ) {
    super(
      'Rename these, or trust them with assertNoOwnFunctions(db, { except: [...] }) once you know that ' +
        'they read no table: ' +
        `a statement may mean them by a name that is known to be safe. ${lines.join('; ')}.`,
    );
  }
}

/** What a client is told of a tenant that it gets nothing from. */
const refusals = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' } as const;

/**
 * A request that gets no tenant, thrown by the middleware of `drizzle-tenant/express` and its like. Its message is for
 * the client, and is the same whether there is no such tenant or the user is no member of it.
 */
export class TenantAccessError extends TenantError {
  static override readonly tag = 'TenantAccessError';
  readonly _tag = 'TenantAccessError';
  /** As Fastify reads it. */
  readonly statusCode: 401 | 403 | 404;
  /** Its message may be sent to the client. */
  readonly expose = true;

  /** @param status 401 for nobody, 404 for no such tenant, or none of the user's, 403 where the application says so */
  constructor(readonly status: 401 | 403 | 404) {
    super(refusals[status]);
    this.message = refusals[status]; // Without a page: the client is told nothing.
    this.statusCode = status;
  }
}

/**
 * A tenant as a whole was asked for, and the id has no rows. A mistyped id would otherwise be exported, or proved
 * erased.
 */
export class TenantNotFoundError extends TenantError {
  static override readonly tag = 'TenantNotFoundError';
  readonly _tag = 'TenantNotFoundError';
}

/** An import would meet rows that the tenant already has. */
export class TenantExistsError extends TenantError {
  static override readonly tag = 'TenantExistsError';
  readonly _tag = 'TenantExistsError';
}

/** An export is not what its manifest says: cut off, changed, or of another kind. Nothing was written. */
export class DamagedExportError extends TenantError {
  static override readonly tag = 'DamagedExportError';
  readonly _tag = 'DamagedExportError';
}

/** Two schemas differ where rows have to go from one to the other. */
export class SchemaDifferenceError extends TenantError {
  static override readonly tag = 'SchemaDifferenceError';
  readonly _tag = 'SchemaDifferenceError';

  /**
   * @param remedy what to do
   * @param differences each of them, as a sentence
   */
  constructor(
    remedy: string,
    readonly differences: readonly string[],
  ) {
    super(`${remedy}: ${differences.join('; ')}.`);
  }
}

/** What was imported, erased or compared is not what the database holds afterwards. */
export class TenantDataError extends TenantError {
  static override readonly tag = 'TenantDataError';
  readonly _tag = 'TenantDataError';
}

/** Rows of the tenant remain after it was erased. */
export class TenantNotErasedError extends TenantError {
  static override readonly tag = 'TenantNotErasedError';
  readonly _tag = 'TenantNotErasedError';

  /**
   * @param remedy what to do
   * @param record what was erased, and what remains
   */
  constructor(
    remedy: string,
    readonly record: unknown,
  ) {
    super(remedy);
  }
}
