/** What comes from outside, and what it has to be like. */
import { Effect, Schema } from 'effect';

/** What PostgreSQL's `integer` holds. */
export const Integer = Schema.Int.check(Schema.isBetween({ minimum: -2147483648, maximum: 2147483647 }));
export const Amount = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2147483647 }));
export const Id = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2147483647 }));

/** Any text but what PostgreSQL cannot hold: NUL, and half of a character. */
export const Text = Schema.String.check(
  Schema.isBetweenLength(1, 200),
  Schema.makeFilter(
    (text) => (!text.includes('\0') && text.isWellFormed()) || 'a text of Unicode characters other than NUL',
  ),
);

export const Email = Text.check(Schema.isPattern(/^[^\s@]+@[^\s@]+$/, { message: 'an e-mail address' }));
export const CountryCode = Schema.String.check(Schema.isPattern(/^[A-Z]{2}$/, { message: 'two capital letters' }));
export const Day = Schema.String.check(Schema.makeFilter((text) => isDay(text) || 'a day, as in 2026-01-31'));

const isDay = (text: string) =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00Z`).toJSON()?.startsWith(text) === true;

/** Where a page starts, and how long it is. Ids make pages that stay as they are when rows come and go. */
export const paging = {
  after: Schema.optionalKey(Id),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(20)),
  ),
};

/** A page of a list. `next` goes into `after` to get the next one. */
export const Page = <Item extends Schema.Top>(item: Item) =>
  Schema.Struct({ items: Schema.Array(item), total: Schema.Int, next: Schema.NullOr(Id) });

/** @param rows one more than the limit, if there are that many */
export function pageOf<Row extends { readonly id: number }>(rows: readonly Row[], limit: number, total: number) {
  const items = rows.slice(0, limit);
  return { items, total, next: rows.length > limit ? items.at(-1)!.id : null };
}
