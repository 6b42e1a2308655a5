/**
 * As in Drizzle's own type tests: `Expect<Equal<typeof rows, { id: number }[]>>` is an error unless the types are the
 * same.
 */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export declare function Expect<T extends true>(): T;
