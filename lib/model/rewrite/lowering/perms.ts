const between = (rank: number, from: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i + from);

/** Order of axes that makes [N, C, …] of [N, …, C]. */
export const toFirst = (rank: number): number[] => [0, rank - 1, ...between(rank, 1)];

/** Order of axes that makes [N, …, C] of [N, C, …]. */
export const toLast = (rank: number): number[] => [0, ...between(rank, 2), 1];
