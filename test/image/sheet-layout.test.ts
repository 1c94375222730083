import { expect, it } from 'vitest';
import { cell, GAP, layOutSheet, MARGIN } from '../../lib/image/sheet-layout.ts';

const parts = {
  captionWidth: 100,
  headWidths: [60, 180],
  tileWidths: [192, 90],
  tileHeights: [128, 192, 0],
  lineHeight: 17,
  headLines: 2,
  footLines: 1,
};

it('cells lie side by side, each as large as its column’s widest and its row’s highest', () => {
  const layout = layOutSheet(parts);
  const cells = [0, 1, 2].flatMap(row => [0, 1].map(column => cell(layout, row, column)));
  expect(cells.map(({ width, height }) => [width, height])).toEqual(
    [128, 192, 44].flatMap(height => [192, 180].map(width => [width, height])),
  );
  for (const { x, y, width, height } of cells) {
    expect(x).toBeGreaterThanOrEqual(MARGIN + parts.captionWidth + GAP);
    expect(y).toBeGreaterThanOrEqual(MARGIN + 2 * 17);
    expect(x + width + MARGIN).toBeLessThanOrEqual(layout.width);
    expect(y + height).toBeLessThan(layout.foot);
  }
  expect(cells[1]!.x - cells[0]!.x).toBe(192 + GAP);
  expect(cells[2]!.y - cells[0]!.y).toBe(128 + GAP);
  expect(layout.height).toBe(layout.foot + 17 + MARGIN);
});

it('without captions and lines below there is no room for them', () => {
  const layout = layOutSheet({ ...parts, captionWidth: 0, footLines: 0 });
  expect(layout.columns[0]!.x).toBe(MARGIN);
  const last = cell(layout, 2, 1);
  expect([layout.width, layout.height]).toEqual([last.x + last.width + MARGIN, last.y + last.height + MARGIN]);
});
