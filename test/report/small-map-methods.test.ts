import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { place } from '../../lib/image/geometry.ts';
import { type Explainer, load } from '../../lib/index.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import { smallMap } from '../../lib/report/small-map.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { enlarged, largest } from './enlarged.ts';

const asset = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
const models = new Map<string, Promise<Explainer>>();
afterAll(async () => {
  for (const model of models.values()) await (await model).dispose();
});

function bundled(fit: 'squeeze' | 'crop' | 'letterbox'): Promise<Explainer> {
  const open = models.get(fit) ?? load(asset('efficientnet-lite0.onnx'), { preprocess: { fit } });
  models.set(fit, open);
  return open;
}

/** Steps of 255. */
interface Case {
  readonly options: ExplainOptions;
  /** null: depends on the map. */
  readonly side: number | null;
  readonly worst: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'the paper’s Grad-CAM': { options: {}, side: 7, worst: 0.2 },
  'torchcam’s Grad-CAM': { options: { convention: 'torchcam' }, side: 7, worst: 0.2 },
  'pytorch-grad-cam’s Grad-CAM': { options: { convention: 'pytorch-grad-cam' }, side: 7, worst: 3.1 },
  'pytorch-grad-cam’s EigenCAM': {
    options: { method: 'eigen-cam', convention: 'pytorch-grad-cam' },
    side: 7,
    worst: 3.1,
  },
  LayerCAM: { options: { method: 'layer-cam' }, side: 7, worst: 3.1 },
  'all stages': { options: { layer: 'stages' }, side: 112, worst: 1 },
  'guided backpropagation': { options: { method: 'guided-backprop' }, side: 224, worst: 1 },
  RISE: { options: { method: 'rise', params: { n: 60 } }, side: null, worst: 3.5 },
};

for (const fit of ['squeeze', 'crop', 'letterbox'] as const)
  test.each(Object.entries(CASES))(`${fit}: the map of %s comes back`, async (_, { options, side, worst }) => {
    const model = await bundled(fit);
    const explanation = (await model.explain(asset('pictures/coffee.jpg'), {
      ...options,
      mapSize: { max: 600 },
    } as ExplainOptions)) as Explanation;
    expect(explanation.status).toBe('ok');
    const { width, height, data } = explanation.map;
    const [inputWidth, inputHeight] = explanation.preprocess!.size;
    const placement = place({ width, height }, { width: inputWidth, height: inputHeight }, fit);
    const [rows, columns] = explanation.raw.dims.slice(-2);
    const small = smallMap({ data, width, height }, { over: 'picture', placement }, { width: columns!, height: rows! });
    const longer = Math.max(small.width, small.height);
    expect(longer).toBe(side ?? longer);
    expect(longer).toBeLessThanOrEqual(224);
    expect(255 * largest(enlarged(small, width, height), data)).toBeLessThan(worst);
  });
