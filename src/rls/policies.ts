/**
 * Whether policies keep tenants apart, judged by what PostgreSQL prints of them. Used by the start-up check and by
 * `drizzle-tenant plan`, for tables and, on Citus, for their shards.
 */

/** A policy as `pg_policy` has it, with its expressions printed by `pg_get_expr`. */
export interface Policy {
  readonly name: string;
  readonly permissive: boolean;
  /** `polcmd`: one of r, a, w, d, or * for all. */
  readonly command: string;
  readonly using: string | null;
  readonly check: string | null;
}

/** What a policy has to compare. */
export interface TenantOf {
  /** The tenant column's name, unquoted. */
  readonly column: string;
  /** The names of the settings that may hold the tenant: one of them. */
  readonly settings: readonly string[];
  /** The column's type as `format_type` prints it, and the type below it where it is a domain. */
  readonly types: readonly string[];
  /**
   * Which earlier setting policies may accept where those of `settings` are not set: this one, or any that is not the
   * own of another tenancy. Only where none of `unless`, the settings of the other tenancies, is set.
   */
  readonly earlier?: { readonly setting?: string; readonly unless: readonly string[] } | undefined;
  /** Whether NULL in the column is everybody's row, which policies may let a tenant read, and not write. */
  readonly everybody?: boolean | undefined;
}

/** One pair of parentheses around the whole, or undefined. Strings and quoted names may hold any. */
function inside(text: string): string | undefined {
  if (!text.startsWith('(')) return undefined;
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '(') depth++;
    else if (token === ')' && --depth === 0) return index === text.length - 1 ? text.slice(1, -1).trim() : undefined;
  }
  return undefined;
}

const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[A-Za-z_][\w$]*|=/g;

/** Splits at a token outside of parentheses. */
function split(text: string, at: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    else if (depth === 0 && token === at) {
      parts.push(text.slice(start, index).trim());
      start = index + token.length;
    }
  }
  return [...parts, text.slice(start).trim()];
}

function unwrap(text: string): string {
  for (let inner = inside(text); inner !== undefined; inner = inside(text)) text = inner;
  return text;
}

/** Takes casts and parentheses off, as long as the types are these. */
function uncast(text: string, types: readonly string[]): string {
  for (;;) {
    text = unwrap(text);
    const at = text.lastIndexOf('::');
    if (at < 0 || !types.includes(withoutSchema(text.slice(at + 2)))) return text;
    const rest = text.slice(0, at);
    // A call's own parentheses are the whole of it, so that the cast is of all that stands before it.
    if (inside(rest) === undefined && !/^(?:\w+\(|[\w$"]+$)/.test(rest)) return text;
    text = rest;
  }
}

/** A node may print the schema of a type, and another not: their search paths differ. */
const withoutSchema = (type: string) => type.replace(/^(?:[\w$]+|"(?:[^"]|"")*")\./, '');

/** A name in quotes, as SQL takes any. */
export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const isName = (text: string, name: string) => text === name || text === ident(name);

/** PostgreSQL writes each operand of an AND in parentheses or as a call, and the whole in parentheses. */
function isTenant(text: string, { column, settings, ...tenant }: TenantOf): boolean {
  const types = tenant.types.map(withoutSchema);
  const sides = split(unwrap(text), '=');
  if (sides.length !== 2) return false;
  const withoutLength = types.map((it) => it.replace(/\(.*\)$/, ''));
  const loose = [...withoutLength, 'text', ...(withoutLength.includes('character') ? ['bpchar'] : [])];
  const isColumn = (side: string) => isName(uncast(side, loose), column);
  const isSetting = (side: string) => {
    const value = uncast(side, [...types, ...loose]);
    if (value.startsWith('COALESCE(')) return isWithEarlier(value, settings, tenant.earlier);
    const given = /^NULLIF\((.*), ''::text\)$/.exec(value)?.[1] ?? value;
    return settings.some((it) =>
      [`current_setting('${it}'::text, true)`, `current_setting('${it}'::text)`].includes(given),
    );
  };
  return (isColumn(sides[0]!) && isSetting(sides[1]!)) || (isColumn(sides[1]!) && isSetting(sides[0]!));
}

const setting = String.raw`NULLIF\(\$, ''::text\)`;
const noOther = String.raw`CASE WHEN \(concat\(\$(?:, \$)*\) = ''::text\) THEN ${setting} ELSE NULL::text END`;
const withEarlier = new RegExp(String.raw`^COALESCE\(${setting}, (?:${noOther}|${setting})\)$`);

/** The setting, or else an earlier one where no other tenancy's is set: as `generate` writes it, and nothing else. */
function isWithEarlier(text: string, settings: readonly string[], allowed: TenantOf['earlier']): boolean {
  const names: string[] = [];
  const shape = text
    .replace(/\s+/g, ' ')
    .replace(/current_setting\('([\w.]+)'::text, true\)/g, (_, name: string) => (names.push(name), '$'));
  if (!allowed || !withEarlier.test(shape)) return false;
  const [own, earlier] = [names[0]!, names.pop()!];
  const { setting, unless } = allowed;
  // A program of the version before knows the earlier one only.
  const isKnown =
    setting === undefined
      ? [own, earlier].some((it) => settings.includes(it)) && ![own, earlier].some((it) => unless.includes(it))
      : settings.includes(own) && earlier === setting;
  return isKnown && unless.every((it) => names.indexOf(it) > 0);
}

/** `(tenant = setting) OR (tenant IS NULL)`, in either order. */
function isTenantOrEverybody(text: string, tenant: TenantOf): boolean {
  const parts = split(unwrap(text.trim()), 'OR');
  const isEverybody = (part: string) =>
    / IS NULL$/.test(unwrap(part)) &&
    isName(uncast(unwrap(part).slice(0, -' IS NULL'.length).trim(), []), tenant.column);
  return parts.length === 2 && parts.some((part, i) => isEverybody(part) && isTenant(parts[1 - i]!, tenant));
}

/**
 * Whether an expression lets through rows of the tenant in the setting only: it is that comparison, or an AND of
 * which the comparison is a part.
 *
 * @param expression what `pg_get_expr` printed
 * @param isRead whether it is about rows that are only read: those of everybody may be among them
 * For example: holdsTenant("((a = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid) AND done)", {
 * column: 'a', settings: ['app.tenant_id'], types: ['uuid'] }) // true
 */
export function holdsTenant(expression: string, tenant: TenantOf, isRead = false): boolean {
  if (isTenant(expression, tenant) || (isRead && tenant.everybody && isTenantOrEverybody(expression, tenant)))
    return true;
  const inner = inside(expression.trim());
  if (inner === undefined || split(inner, 'OR').length > 1) return false;
  const parts = split(inner, 'AND');
  return parts.length > 1 && parts.some((it) => holdsTenant(it, tenant, isRead));
}

/**
 * Whether an expression is that comparison and nothing more.
 *
 * @param isRead whether it has to let rows of everybody through, where there are any
 */
export const isTenantOnly = (expression: string | null, tenant: TenantOf, isRead = false): boolean =>
  expression !== null &&
  (isRead && tenant.everybody ? isTenantOrEverybody(expression, tenant) : isTenant(expression, tenant));

const commands = ['r', 'a', 'w', 'd'] as const;

/** The expressions that a policy puts on a command: on rows that are read, and on rows that are written. */
const expressionsOn = (command: (typeof commands)[number], { using, check }: Policy): (string | null)[] =>
  command === 'a' ? [check ?? using] : command === 'w' ? [using, check ?? using] : [using];

const applies = (policy: Policy, command: string) => policy.command === '*' || policy.command === command;

/** Whether the tenant condition stands in all that a policy says, for each command that it is for. */
export const confines = (policy: Policy, tenant: TenantOf): boolean => {
  const said = commands
    .filter((it) => applies(policy, it))
    .flatMap((command) => expressionsOn(command, policy).map((it) => [it, command] as const));
  return said.every(([it, command]) => it !== null && holdsTenant(it, tenant, command === 'r'));
};

/**
 * Looks for a policy that opens rows of other tenants. Permissive policies add up, so each has to confine, unless a
 * restrictive one does, for the same command. A policy without an expression opens nothing.
 *
 * @param policies those that apply to a role
 * @returns the first that opens, or undefined
 */
export function openingPolicy<T extends Policy>(policies: readonly T[], tenant: TenantOf): T | undefined {
  for (const command of commands) {
    const [permissive, restrictive] = [true, false].map((kind) =>
      policies.filter((it) => it.permissive === kind && applies(it, command)),
    );
    const holds = (policy: Policy) =>
      expressionsOn(command, policy).every((it) => it !== null && holdsTenant(it, tenant, command === 'r'));
    if (restrictive!.some(holds)) continue;
    const opening = permissive!.find((it) =>
      expressionsOn(command, it).some(
        (expression) => expression !== null && !holdsTenant(expression, tenant, command === 'r'),
      ),
    );
    if (opening) return opening;
  }
  return undefined;
}
