/** The users of the samples have it, and no other: their tokens can be made without asking the database. */
export const tokenKey = '00000000-0000-4000-8000-000000000000';
