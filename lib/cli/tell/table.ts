import { visible } from '../../common/visible.ts';

/** The lines of a table of left-aligned columns, two spaces apart, with the headings above; the last column is not padded. */
export function formatTable(headings: readonly string[], given: readonly (readonly string[])[]): string[] {
  // As wide as it will be shown.
  const rows = given.map(row => row.map(visible));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(row => (row[column] ?? '').length)),
  );
  return [headings, ...rows].map(row =>
    headings
      .map((_, column) => (row[column] ?? '').padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
