/** Three terms' harmonic mean; 0 where one of them is not above 0. */
export function harmonicMean(terms: readonly number[]): number {
  if (terms.some(term => term <= 0)) return 0;
  return terms.length / terms.reduce((sum, term) => sum + 1 / term, 0);
}
