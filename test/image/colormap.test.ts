import { describe, expect, it } from 'vitest';
import { COLORMAPS, colormapTable } from '../../lib/image/colormap.ts';

const colour = (name: string, index: number) => [...colormapTable(name).subarray(3 * index, 3 * index + 3)];

describe('colormapTable', () => {
  it('has 256 colours of every map', () => {
    for (const name of COLORMAPS) expect(colormapTable(name).length).toBe(768);
  });

  // OpenCV's COLORMAP_JET, read from cv2.applyColorMap.
  it.each([
    [0, [0, 0, 128]],
    [2, [0, 0, 136]],
    [31, [0, 0, 252]],
    [33, [0, 4, 255]],
    [64, [0, 128, 255]],
    [95, [0, 252, 255]],
    [128, [130, 255, 126]],
    [160, [255, 252, 0]],
    [191, [255, 128, 0]],
    [223, [255, 0, 0]],
    [255, [128, 0, 0]],
  ])('jet is the one that people know: %i', (index, expected) => {
    colour('jet', index).forEach((value, c) => {
      expect(Math.abs(value - expected[c]!)).toBeLessThanOrEqual(1);
    });
  });

  // matplotlib's maps at 0, 64, 128, 192 and 255; the control points of the package are coarser.
  it.each([
    ['viridis', 20, [68, 1, 84], [58, 82, 139], [32, 144, 140], [94, 201, 97], [253, 231, 36]],
    ['inferno', 20, [0, 0, 3], [87, 15, 109], [187, 55, 84], [249, 142, 8], [252, 254, 164]],
    ['magma', 20, [0, 0, 3], [80, 18, 123], [182, 54, 121], [251, 136, 97], [251, 252, 191]],
    ['plasma', 20, [12, 7, 134], [126, 3, 167], [203, 71, 119], [248, 149, 64], [239, 248, 33]],
    ['turbo', 32, [48, 18, 59], [40, 187, 235], [163, 252, 60], [251, 126, 33], [122, 4, 2]],
    ['greys', 0, [0, 0, 0], [64, 64, 64], [128, 128, 128], [192, 192, 192], [255, 255, 255]],
  ] as [string, number, ...number[][]][])('%s within %i of 255', (name, tolerance, ...expected) => {
    [0, 64, 128, 192, 255].forEach((index, i) => {
      colour(name, index).forEach((value, c) => {
        expect(Math.abs(value - expected[i]![c]!)).toBeLessThanOrEqual(tolerance);
      });
    });
  });

  it('takes names in any case, and lists them for an unknown one', () => {
    expect(colormapTable('JET')).toBe(colormapTable('jet'));
    for (const name of ['jett', '', 'toString', 'hot']) {
      expect(() => colormapTable(name)).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining(COLORMAPS.join(', ')) }),
      );
    }
  });
});
