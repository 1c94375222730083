/** Maps, truths and targets at the edge of what can be measured: a value, a reason or a code, never a number that means nothing. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import { expectError } from '../helpers/expect-error.ts';
import { brightnessModel, noiseImage, one, plainModel, positiveTensor } from '../helpers/explain-models.ts';
import { mapOf } from '../helpers/map-of.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIDE = 16;
const x = noiseImage([1, 3, SIDE, SIDE]);
const filled = (of: (index: number) => number, width = SIDE, height = SIDE) => mapOf(of, width, height);
const slope = filled(i => i / 255);
const NAMES = METRICS.map(({ name }) => name);
/** No metric has default parameters for pictures as small as these. */
const ALL = NAMES.map(metric => (metric === 'top-k' ? { metric, params: { k: 20 } } : metric));

let cam: Explainer;
beforeAll(async () => {
  cam = await open(plainModel());
});
afterEach(() => {
  vi.restoreAllMocks();
});

const truth = { boxes: [[2, 2, 6, 6]] as const };
const asked = { truth, method: 'grad-cam', target: 1 };

describe('a map', () => {
  it.each([
    ['ones', () => 1, 'constant'],
    ['zeros', () => 0, 'zero'],
    ['a constant', () => 0.25, 'constant'],
    ['NaN everywhere', () => Number.NaN, 'not-finite'],
    ['one NaN', (i: number) => (i === 7 ? Number.NaN : i / 255), 'not-finite'],
    ['an infinity', (i: number) => (i === 7 ? Number.POSITIVE_INFINITY : i / 255), 'not-finite'],
    ['two values', (i: number) => i % 2, 'ok'],
    ['nearly all zeros', (i: number) => (i === 100 ? 1 : 0), 'ok'],
  ])('of %s: every metric has a value or a reason', async (_, of, status) => {
    const measured = await cam.measure(x, { ...asked, map: filled(of), metrics: ALL });
    expect(Object.keys(measured)).toEqual(NAMES);
    for (const { value, reason, status: found, metric, runs } of Object.values(measured)) {
      expect(found).toBe(status);
      if (value === null) expect(reason, metric).toMatch(/\w/);
      else expect(Number.isFinite(value), metric).toBe(true);
      if (status === 'not-finite') expect([value, runs]).toEqual([null, 0]);
    }
  });

  it('with signs is stretched, and says so', async () => {
    const signed = filled(i => i / 128 - 1);
    const { entropy } = await cam.measure(x, { map: signed, metrics: ['entropy'], target: 1 });
    expect(entropy!.warnings).toEqual([expect.stringContaining('stretched')]);
    const { entropy: same } = await cam.measure(x, { map: slope, metrics: ['entropy'], target: 1 });
    expect(entropy!.value).toBeCloseTo(same!.value!, 6);
    expect(same!.warnings).toEqual([]);
  });

  it.each([
    ['8 × 8, of a layer', 8, 8],
    ['4 × 4, of another', 4, 4],
  ])('of %s is enlarged', async (_, width, height) => {
    const { complexity } = await cam.measure(x, { map: filled(() => 0.5, width, height), metrics: ['complexity'] });
    expect(complexity!.value).toBeCloseTo(0.5, 6);
  });

  it('of a size that nothing has is refused', async () => {
    for (const [width, height] of [
      [15, 16],
      [5, 5],
      [32, 32],
      [1, 256],
    ] as const)
      await expectError(
        () => cam.measure(x, { map: filled(() => 0.5, width, height), metrics: ['drop'] }),
        'ERR_INPUT_SHAPE',
        `${width} × ${height}`,
        '16 × 16',
      );
  });

  it.each(['squeeze', 'crop', 'letterbox'] as const)(
    "of the picture's size goes the way of the picture: %s",
    async fit => {
      const bright = await open(brightnessModel({ height: 16, width: 16 }), { preprocess: { ...RAW, fit } });
      const picture = {
        data: new Uint8Array(3 * 40 * 20).fill(90),
        info: { width: 40, height: 20, channels: 3 },
      } as const;
      // The right half.
      const map = filled(i => (i % 40 < 20 ? 0 : 1), 40, 20);
      const { data } = one(await bright.explain(picture, { mapSize: 'input' })).map;
      expect(data).toHaveLength(256);
      const { complexity, 'pointing-game': hit } = await bright.measure(picture, {
        map,
        target: 0,
        metrics: ['complexity', 'pointing-game'],
        truth: { boxes: [[20, 0, 20, 20]] },
      });
      // A letterbox shows nothing of the picture in half of the input.
      expect(complexity!.value).toBeCloseTo(fit === 'letterbox' ? 0.25 : 0.5, 2);
      expect(hit!.value).toBe(1);
    },
  );
});

const RAW = { mean: 0, std: 1, scale: 1 } as const;

describe('truth', () => {
  const LOCAL = ['pointing-game', 'energy-pointing-game', 'rank-accuracy', 'roc-auc', 'pxap', 'iou'];
  const measured = (given: object) =>
    cam.measure(x, { map: slope, target: 1, metrics: LOCAL, truth: given as never }).then(Object.values);
  const mask = (width: number, height: number, value = 0) => ({
    mask: { data: new Uint8Array(width * height).fill(value), width, height },
  });

  it('that marks nothing gives no value', async () => {
    for (const given of [mask(SIDE, SIDE), { boxes: [[40, 40, 5, 5]] }, { boxes: [] }])
      for (const { value, reason } of await measured(given))
        expect([value, reason]).toEqual([null, expect.stringMatching(/truth|nothing says/)]);
  });

  it('of another size is refused', async () => {
    await expectError(() => measured(mask(8, 8, 1)), 'ERR_TRUTH_INVALID', '8x8', '16x16');
  });

  it('that leaves the picture is cut', async () => {
    const inside = await measured({ boxes: [[8, 8, 8, 8]] });
    const beyond = await measured({ boxes: [[8, 8, 100, 100]] });
    expect(beyond.map(({ value }) => value)).toEqual(inside.map(({ value }) => value));
  });

  it('of a whole picture leaves nothing outside', async () => {
    for (const { metric, value, reason } of await measured(mask(SIDE, SIDE, 1)))
      if (metric === 'roc-auc') expect([value, reason]).toEqual([null, expect.stringMatching(/\w/)]);
      else expect(value).not.toBeNaN();
  });
});

describe('an abort', () => {
  const LARGE = 192;
  const large = noiseImage([1, 3, LARGE, LARGE]);
  const map = filled(i => i / LARGE ** 2, LARGE, LARGE);

  it.each([
    ['changed copies', [{ metric: 'deletion', params: { step: 40 } }]],
    ['imputations', [{ metric: 'road', params: { percentiles: Array.from({ length: 90 }, (_, i) => i + 5) } }]],
    ['explanations', [{ metric: 'max-sensitivity', params: { n: 500 } }]],
    ['networks with other weights', [{ metric: 'mprt', params: { order: 'independent' } }, 'avg-sensitivity', 'emprt']],
  ])('in the middle of %s ends it, and the next call works', async (_, metrics) => {
    const any = await open(plainModel({ size: ['H', 'W'] }));
    const options = { map, method: 'grad-cam', target: 1, metrics, batchSize: 1 };
    const controller = new AbortController();
    const { run } = Session.prototype;
    let aborted = Number.POSITIVE_INFINITY;
    vi.spyOn(Session.prototype, 'run').mockImplementation(function (this: Session, ...args) {
      // After the clean image's run.
      setTimeout(() => {
        aborted = performance.now();
        controller.abort();
      }, 10);
      return run.apply(this, args);
    });
    await expectError(() => any.measure(large, { ...options, signal: controller.signal }), 'ERR_ABORTED');
    expect(performance.now() - aborted).toBeLessThan(1000);
    vi.restoreAllMocks();
    const { entropy } = await any.measure(large, { map, target: 1, metrics: ['entropy'] });
    expect(entropy!.value).not.toBeNull();
  });
});

describe('positive inputs', () => {
  it('a map of ones changes nothing: no drop', async () => {
    const positive = positiveTensor([1, 3, SIDE, SIDE]);
    const ones = filled(() => 1);
    const { 'average-drop': drop } = await cam.measure(positive, { map: ones, target: 0, metrics: ['average-drop'] });
    expect(drop).toMatchObject({ value: 0, status: 'constant' });
  });
});
