/** Bytes of a manifest's line: a result has some thousands. */
export const LONGEST_LINE = 2 ** 26;
