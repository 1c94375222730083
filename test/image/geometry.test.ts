import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changedPlacement,
  inputToPicture,
  mappedRect,
  pictureToInput,
  place,
  shownPixels,
} from '../../lib/image/geometry.ts';

const size = (width: number, height: number) => ({ width, height });

describe('place', () => {
  it('squeezes', () => {
    const placement = place(size(640, 480), size(224, 200), 'squeeze');
    expect(placement.resized).toEqual(size(224, 200));
    expect(placement.target).toEqual({ x: 0, y: 0, width: 224, height: 200 });
    expect(shownPixels(placement)).toEqual({ x: 0, y: 0, width: 640, height: 480 });
  });

  it('shows a pixel where less than one is cut out', () => {
    const placement = place(size(1, 5000), size(32, 32), 'crop', { resize: 36 });
    expect(shownPixels(placement)).toMatchObject({ x: 0, width: 1, height: 1 });
  });

  // What torchvision's Resize(n) and CenterCrop(n) give: int(n * long / short), round((length - n) / 2) half to even.
  it.each([
    [297, 200, 64, { width: 95, height: 64 }, { x: 16, y: 0 }],
    [200, 297, 64, { width: 64, height: 95 }, { x: 0, y: 16 }],
    [297, 200, 63, { width: 93, height: 63 }, { x: 15, y: 0 }],
    [640, 480, 224, { width: 298, height: 224 }, { x: 37, y: 0 }],
    [640, 427, 224, { width: 335, height: 224 }, { x: 56, y: 0 }],
    [10, 10, 224, { width: 224, height: 224 }, { x: 0, y: 0 }],
  ])('crops %ix%i to %i as torchvision', (width, height, side, resized, offset) => {
    const placement = place(size(width, height), size(side, side), 'crop');
    expect(placement.resized).toEqual(resized);
    expect(placement.window).toEqual({ ...offset, width: side, height: side });
    expect(placement.target).toEqual({ x: 0, y: 0, width: side, height: side });
  });

  it('crops to an input that is not square', () => {
    expect(place(size(400, 300), size(200, 50), 'crop')).toMatchObject({
      resized: size(200, 150),
      window: { x: 0, y: 50, width: 200, height: 50 },
    });
    expect(place(size(400, 300), size(50, 200), 'crop')).toMatchObject({
      resized: size(266, 200),
      window: { x: 108, y: 0, width: 50, height: 200 },
    });
  });

  it.each([
    [640, 480, 640, { x: 0, y: 80, width: 640, height: 480 }],
    [480, 640, 640, { x: 80, y: 0, width: 480, height: 640 }],
    [810, 1080, 640, { x: 80, y: 0, width: 480, height: 640 }],
    [100, 99, 64, { x: 0, y: 0, width: 64, height: 63 }],
    [1, 4000, 224, { x: 111, y: 0, width: 1, height: 224 }],
  ])('letterboxes %ix%i into %i', (width, height, side, target) => {
    const placement = place(size(width, height), size(side, side), 'letterbox');
    expect(placement.target).toEqual(target);
    expect(placement.resized).toEqual(size(target.width, target.height));
    expect(shownPixels(placement)).toEqual({ x: 0, y: 0, width, height });
  });
});

describe('for any picture, input and fit', () => {
  const side = fc.integer({ min: 1, max: 5000 });
  const placement = fc
    .tuple(side, side, side, side, fc.constantFrom('squeeze', 'crop', 'letterbox'))
    .map(([w, h, iw, ih, fit]) => place(size(w, h), size(iw, ih), fit));

  it('forth and back maps points onto themselves', () => {
    fc.assert(
      fc.property(placement, fc.double({ min: -10, max: 6000, noNaN: true }), (p, at) => {
        for (const axis of ['x', 'y'] as const) {
          const there = pictureToInput(p)[axis];
          const back = inputToPicture(p)[axis];
          expect(back.scale * (there.scale * at + there.offset) + back.offset).toBeCloseTo(at, 5);
        }
      }),
    );
  });

  it('the window lies in the resized picture, the target in the input, both of one size', () => {
    fc.assert(
      fc.property(placement, ({ resized, window, target, input }) => {
        for (const [part, all] of [
          [window, resized],
          [target, input],
        ] as const) {
          for (const value of [part.x, part.y, part.width, part.height]) expect(Number.isInteger(value)).toBe(true);
          expect(Math.min(part.x, part.y)).toBeGreaterThanOrEqual(0);
          expect(Math.min(part.width, part.height)).toBeGreaterThanOrEqual(1);
          expect(part.x + part.width).toBeLessThanOrEqual(all.width);
          expect(part.y + part.height).toBeLessThanOrEqual(all.height);
        }
        expect([window.width, window.height]).toEqual([target.width, target.height]);
      }),
    );
  });

  it('crop covers the input, letterbox shows the whole picture, aspect ratios stay within rounding', () => {
    fc.assert(
      fc.property(placement, p => {
        const { picture, input, resized, target, fit } = p;
        if (fit === 'crop') expect([target.width, target.height]).toEqual([input.width, input.height]);
        else expect(shownPixels(p)).toEqual({ x: 0, y: 0, ...picture });
        if (fit !== 'squeeze') {
          const scales = [resized.width / picture.width, resized.height / picture.height];
          const rounding = Math.max(1 / picture.width, 1 / picture.height);
          expect(Math.abs(scales[0]! - scales[1]!)).toBeLessThanOrEqual(rounding * (1 + 1e-9));
        }
      }),
    );
  });

  it('shown pixels are those whose centres lie in the window', () => {
    fc.assert(
      fc.property(placement, fc.nat(4999), (p, i) => {
        const shown = shownPixels(p);
        const { x } = pictureToInput(p);
        const at = ((i % p.picture.width) + 0.5) * x.scale + x.offset;
        const margin = Math.min(Math.abs(at - p.target.x), Math.abs(at - p.target.x - p.target.width));
        if (margin < 1e-6) return;
        const inside = at > p.target.x && at < p.target.x + p.target.width;
        const pixel = i % p.picture.width;
        const isShown = pixel >= shown.x && pixel < shown.x + shown.width;
        if (inside) expect(isShown).toBe(true);
        // A window between two centres shows the pixel that it lies in.
        else if (isShown) {
          expect(shown.width).toBe(1);
          expect(Math.abs(at - p.target.x - p.target.width / 2)).toBeLessThanOrEqual(x.scale / 2 + 1e-6);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

it('a window within one pixel shows that pixel', () => {
  const [picture, resized, target] = [size(4, 1), size(12, 3), { x: 0, y: 0, width: 1, height: 3 }];
  const shownAt = (x: number) =>
    shownPixels({ fit: 'crop', picture, input: size(1, 3), resized, window: { ...target, x }, target });
  // Three columns of the resized picture for each pixel; only the middle one holds its centre.
  expect(Array.from({ length: 12 }, (_, x) => shownAt(x).x)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
  expect(shownAt(8)).toMatchObject({ width: 1, y: 0, height: 1 });
});

describe('an input that was made of another one', () => {
  const input = size(64, 48);
  const fits = ['squeeze', 'crop', 'letterbox'] as const;
  const flip = { x: { scale: -1, offset: 64 }, y: { scale: 1, offset: 0 }, size: input };
  const scaling = fc.integer({ min: 1, max: 400 }).map(percent => percent / 100);
  const change = fc
    .tuple(
      scaling,
      scaling,
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: -30, max: 30 }),
      fc.integer({ min: 1, max: 200 }),
    )
    .map(([sx, sy, fx, fy, shift, side]) => ({
      x: { scale: fx ? -sx : sx, offset: shift + (fx ? 64 * sx : 0) },
      y: { scale: fy ? -sy : sy, offset: fy ? 48 * sy : 0 },
      size: size(side, side),
    }));

  it.each(fits)('%s: a flip turned back is no change', fit => {
    const placement = place(size(300, 200), input, fit);
    const twice = changedPlacement(changedPlacement(placement, flip), flip);
    expect(shownPixels(twice)).toEqual(shownPixels(placement));
    for (const axis of ['x', 'y'] as const) {
      expect(pictureToInput(twice)[axis].scale).toBeCloseTo(pictureToInput(placement)[axis].scale, 12);
      expect(pictureToInput(twice)[axis].offset).toBeCloseTo(pictureToInput(placement)[axis].offset, 9);
    }
    expect(shownPixels(changedPlacement(placement, flip))).toEqual(shownPixels(placement));
  });

  it.each(fits)('%s: there and back is the same place, and shown is what the changed input holds', fit => {
    const placement = place(size(300, 200), input, fit);
    fc.assert(
      fc.property(change, one => {
        const changed = changedPlacement(placement, one);
        const [there, back] = [pictureToInput(changed), inputToPicture(changed)];
        for (const axis of ['x', 'y'] as const)
          expect((17 * there[axis].scale + there[axis].offset) * back[axis].scale + back[axis].offset).toBeCloseTo(
            17,
            6,
          );
        const shown = shownPixels(changed);
        const before = shownPixels(placement);
        for (let i = 0; i < 300; i++) {
          const at = (i + 0.5) * there.x.scale + there.x.offset;
          // On the edge itself rounding decides.
          if (Math.min(Math.abs(at), Math.abs(at - changed.input.width)) < 1e-9) continue;
          const held = at > 0 && at < changed.input.width && i >= before.x && i < before.x + before.width;
          expect(i >= shown.x && i < shown.x + shown.width).toBe(held);
        }
      }),
    );
  });

  it('rectangles keep positive sides', () => {
    const there = pictureToInput(changedPlacement(place(input, input, 'squeeze'), flip));
    expect(mappedRect({ x: 4, y: 5, width: 10, height: 6 }, there)).toEqual({ x: 50, y: 5, width: 10, height: 6 });
  });
});
