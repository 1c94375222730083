/** Maps that are compared with the method's own: those that it did not make are told. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { MeasureOptions } from '../../lib/explain/measure-options.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { contrast, probability } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { mapOf } from '../helpers/map-of.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const SIDE = 16;
const x = noiseImage([1, 3, SIDE, SIDE]);
const filled = (of: (index: number) => number, width = SIDE, height = SIDE) => mapOf(of, width, height);
const slope = filled(i => i / 255);

let cam: Explainer;
beforeAll(async () => {
  cam = await open(plainModel());
});

describe("a map of another origin than the method's", () => {
  const COMPARING = METRICS.filter(({ needs }) => needs.explanations).map(({ name }) => name);
  const OTHERS = METRICS.filter(({ needs }) => !needs.explanations && !needs.truth).map(({ name }) => name);
  let map: Explanation;
  beforeAll(async () => {
    map = one(await cam.explain(x, { target: 1, mapSize: 'input' }));
    expect(map.status).toBe('ok');
  });
  const warningsOf = async (options: Omit<MeasureOptions, 'maps'> & Required<Pick<MeasureOptions, 'map'>>) => {
    const measured = await cam.measure(x, { metrics: [...COMPARING, ...OTHERS], ...options });
    for (const name of OTHERS) expect(measured[name]!.warnings, name).toEqual([]);
    const all = COMPARING.filter(name => measured[name]!.value !== null).map(name => measured[name]!.warnings);
    expect(all.length).toBeGreaterThan(4);
    for (const warnings of all) expect(warnings).toEqual(all[0]);
    return all[0]!;
  };

  it('is told by the metrics that compare', async () => {
    expect(await warningsOf({ map: slope, method: 'grad-cam', target: 1 })).toEqual([
      expect.stringMatching(/not the one that the method makes .* % of its norm away/),
    ]);
  });

  it('so is one of another class, and one of another method', async () => {
    expect(await warningsOf({ map, target: 2 })).toHaveLength(1);
    expect(await warningsOf({ map, method: 'eigen-cam' })).toHaveLength(1);
  });

  it("the method's own is not: given, as numbers, of 8 bits, of the layer", async () => {
    const { data, width, height } = map.map;
    expect(await warningsOf({ map })).toEqual([]);
    const given = { method: 'grad-cam', target: 1 };
    expect(await warningsOf({ map: { data, width, height }, ...given })).toEqual([]);
    const coarse = data.map(value => Math.round(value * 255) / 255);
    expect(await warningsOf({ map: { data: coarse, width, height }, ...given })).toEqual([]);
    const { data: raw, width: w, height: h } = map.raw as typeof map.map;
    const cut = raw.map(value => Math.max(0, value));
    const low = Math.min(...cut);
    const cells = cut.map(value => (value - low) / (Math.max(...cut) - low));
    expect(await warningsOf({ map: { data: cells, width: w, height: h }, ...given })).toEqual([]);
  });

  it('an explanation of another image is told by every metric', async () => {
    const metrics = ['deletion', 'entropy'];
    const warnings = async (image: typeof x, options: Parameters<typeof warningsOf>[0]) =>
      Object.values(await cam.measure(image, { metrics, ...options })).map(measured => measured.warnings);
    const told = [expect.stringMatching(/made for a score of .* give the `target`/)];
    expect(await warnings(noiseImage([1, 3, SIDE, SIDE], 9), { map })).toEqual([told, told]);
    expect(await warnings(x, { map })).toEqual([[], []]);
    const probable = one(await cam.explain(x, { target: probability(2), mapSize: 'input' }));
    expect(await warnings(x, { map: probable })).toEqual([[], []]);
  });

  it('explanations of other targets than a class, or of several, need the target', async () => {
    const metrics = ['deletion'];
    const difference = contrast(1, 0);
    const contrasting = one(await cam.explain(x, { target: difference, mapSize: 'input' }));
    await expectError(
      () => cam.measure(x, { map: contrasting, metrics }),
      'ERR_OPTION_INVALID',
      /kind 'contrast'.*`target`/,
    );
    const { deletion } = await cam.measure(x, { map: contrasting, target: difference, metrics });
    expect(deletion!.warnings).toEqual([]);
    const other = one(await cam.explain(x, { target: 2, mapSize: 'input' }));
    await expectError(() => cam.measure(x, { maps: [map, other], metrics }), 'ERR_OPTION_INVALID', /different targets/);
    expect(await cam.measure(x, { maps: [map, other], target: 2, metrics })).toHaveLength(2);
  });

  it('that of a detector, asked for by default, is not', async () => {
    const input = noiseImage([1, 3, 48, 48]);
    for (const layout of ['yolov8', 'detr']) {
      const detector = await open(new URL(`../golden/detection/${layout}.onnx`, import.meta.url));
      const { entropy } = await detector.measure(input, {
        map: one(await detector.explain(input)),
        metrics: ['entropy'],
      });
      expect(entropy!.warnings).toEqual([]);
    }
  });

  it('costs nothing where nobody compares', async () => {
    const run = vi.spyOn(Session.prototype, 'run');
    await cam.measure(x, { map: slope, method: 'grad-cam', target: 1, metrics: ['entropy'] });
    expect(run).toHaveBeenCalledTimes(1);
  });
});
