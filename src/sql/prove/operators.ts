/**
 * The operators that a statement may use: PostgreSQL's own and those of its common extensions, which read only their
 * operands.
 */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

export const operators: ReadonlySet<string> = new Set(
  (
    '= <> != < > <= >= + - * / % ^ |/ ||/ @ & | # ~ << >> || ~* !~ !~* ~~ ~~* !~~ !~~* ~>=~ ~<=~ ~>~ ~<~ ' +
    '^@ -> ->> #> #>> ' +
    '@> <@ ? ?| ?& #- @? @@ @@@ && -|- &< &> <<| |>> &<| |&> <^ >^ ?- ?# ?-| ?|| @-@ ## <-> <#> <=> <+> ' +
    '<~> <%> <<<-> ' +
    '<->>> <<-> <->> <% %> <<% %>> ~= !! <<= >>= ?<@ ?@> *= |=| *< *> *<= *>= *<> ?~ ?@ ^~ ^? ^<@ ^@> %% ' +
    '%# #= ~> <@> <<#>> &/&'
  ).split(' '),
);

/** Refuses an operator that is not known, or not named plainly. */
export function checkOperator(name: readonly Node[] | undefined, location?: number): void {
  if (!name) return;
  const path: string[] = name.map((it) => it.String?.sval ?? '');
  if (path.length === 2 && path[0] === 'pg_catalog') path.shift();
  if (path.length !== 1 || !operators.has(path[0]!)) {
    throw new Refusal(
      `the operator ${path.join('.')} is not known to read its operands only`,
      "Use PostgreSQL's own operators",
      location,
    );
  }
}

/** Whether the name is that of `=`. */
export const isEquals = (name: readonly Node[] | undefined): boolean =>
  name?.at(-1)?.String?.sval === '=' &&
  (name.length === 1 || (name.length === 2 && name[0].String?.sval === 'pg_catalog'));
