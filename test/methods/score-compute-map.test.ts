/** Score methods on scores from somewhere else. */
import { describe, expect, it } from 'vitest';
import { type ComputedMap, computeMap } from '../../lib/compute-map.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type F0Case, loadF0 } from '../helpers/f0.ts';

const f0 = loadF0();
const tensor = ({ dims, data }: { dims: readonly number[]; data: readonly number[] }) => ({
  dims,
  data: Float32Array.from(data),
});
const cases = f0.cases.filter(({ method, scores }) => method === 'score-cam' && scores);
const title = (one: F0Case) => `${one.library} ${one.model} class ${one.target}`;

describe('Score-CAM', () => {
  it.each(cases.map(one => [title(one), one] as const))('%s', async (_, one) => {
    const [, height, width] = one.map.dims as [number, number, number];
    const result = (await computeMap(
      'score-cam',
      { activations: tensor(f0.models[one.model].activations), scores: Float32Array.from(one.scores!.data) },
      { convention: one.library, size: [width, height] },
    )) as ComputedMap;
    expectClose(result.raw.data, one.raw.data, 1e-5);
    expectClose(result.map.data, one.map.data, 1e-5);
  });

  it('takes a batch with a row of scores for each image', async () => {
    const one = cases[0]!;
    const { data, dims } = f0.models[one.model].activations;
    const scores = Float32Array.from([...one.scores!.data, ...one.scores!.data].reverse());
    const results = (await computeMap('score-cam', {
      activations: { data: Float32Array.from([...data, ...data]), dims: [2, ...dims.slice(1)] },
      scores: { data: scores, dims: [2, 2] },
    })) as ComputedMap[];
    expect(results.length).toBe(2);
    expectClose(results[0]!.map.data, results[1]!.map.data, 0);
  });
});

it('Ablation-CAM compares with the unchanged score, given last', async () => {
  const activations = tensor(f0.models.m2.activations);
  const scores = Float32Array.of(3.95 - 2.5, 3.95 - 1.35, 3.95);
  const { raw } = (await computeMap('ablation-cam', { activations, scores })) as ComputedMap;
  expectClose(raw.data, [1.778481, 1.025316, 1.898734, 1.898734], 1e-5);
  await expect(computeMap('ablation-cam', { activations, scores: scores.subarray(0, 2) })).rejects.toMatchObject({
    code: 'ERR_METHOD_UNSUPPORTED',
  });
});

it('says what is missing', async () => {
  const activations = tensor(f0.models.m2.activations);
  const gradients = tensor(f0.models.m2.gradients[0]!);
  const scores = Float32Array.of(1, 2);
  const attempt = (method: string, tensors: object) => computeMap(method, { activations, gradients, ...tensors });
  await expect(attempt('score-cam', {})).rejects.toMatchObject({ code: 'ERR_METHOD_UNSUPPORTED' });
  await expect(attempt('score-cam', { scores: Float32Array.of(1, 2, 3, 4, 5) })).rejects.toMatchObject({
    code: 'ERR_INPUT_SHAPE',
  });
  for (const method of ['rise', 'fd-cam', 'group-cam', 'poly-cam', 'recipro-cam'])
    await expect(attempt(method, { scores })).rejects.toMatchObject({ code: 'ERR_METHOD_UNSUPPORTED' });
});
