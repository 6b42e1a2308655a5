/** Where Citus begins and ends shards: by ranges of hashes of the same width. */
const lowest = -(2 ** 31);
const highest = 2 ** 31 - 1;

/** The highest hash of each of so many shards. */
export const endsOf = (shardCount: number): number[] => {
  const width = Math.floor(2 ** 32 / shardCount);
  return Array.from({ length: shardCount }, (_, i) => (i === shardCount - 1 ? highest : lowest + (i + 1) * width - 1));
};

/** Whether so many shards come about by cutting those that are there. */
export const isCut = (from: number, to: number): boolean => {
  const ends = new Set(endsOf(to));
  return from < to && endsOf(from).every((it) => ends.has(it));
};
