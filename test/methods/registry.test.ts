import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { needsOf } from '../../lib/methods/definition.ts';
import { listMethods } from '../../lib/methods/list.ts';
import { resolveParams } from '../../lib/methods/params.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { negative, topK } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, plainModel } from '../helpers/explain-models.ts';

/** Names that were published: methods may be added, none of these goes. */
const PUBLISHED =
  'cam grad-cam grad-cam++ smooth-grad-cam++ hirescam grad-cam-elementwise xgrad-cam layer-cam score-cam ss-cam is-cam faster-score-cam group-cam ablation-cam eigen-cam eigen-grad-cam kpca-cam fem dff fullgrad relevance-cam lift-cam shapley-cam finer-cam zoom-cam opti-cam poly-cam fd-cam refine-cam recipro-cam vit-recipro-cam legrad attention-rollout gradient-rollout attention-grad-cam generic-attention random-cam activation-mean seg-eigen-cam rise d-rise guided-backprop guided-grad-cam'.split(
    ' ',
  );
/** pytorch-grad-cam's and the papers' spellings of methods that are here. */
const SPELLINGS: Record<string, string> = {
  gradcam: 'grad-cam',
  'Grad-CAM': 'grad-cam',
  GradCAM: 'grad-cam',
  grad_cam: 'grad-cam',
  'gradcam++': 'grad-cam++',
  gradcampp: 'grad-cam++',
  'Grad-CAM++': 'grad-cam++',
  'grad-cam-pp': 'grad-cam++',
  gradcamplusplus: 'grad-cam++',
  hirescam: 'hirescam',
  HiResCAM: 'hirescam',
  'HiRes-CAM': 'hirescam',
  gradcamelementwise: 'grad-cam-elementwise',
  xgradcam: 'xgrad-cam',
  XGradCAM: 'xgrad-cam',
  layercam: 'layer-cam',
  LayerCAM: 'layer-cam',
  scorecam: 'score-cam',
  'Score-CAM': 'score-cam',
  sscam: 'ss-cam',
  'SS-CAM': 'ss-cam',
  iscam: 'is-cam',
  ablationcam: 'ablation-cam',
  eigencam: 'eigen-cam',
  'Eigen-CAM': 'eigen-cam',
  eigengradcam: 'eigen-grad-cam',
  kpcacam: 'kpca-cam',
  'KPCA-CAM': 'kpca-cam',
  fem: 'fem',
  FEM: 'fem',
  randomcam: 'random-cam',
  'Recipro-CAM': 'recipro-cam',
  CAM: 'cam',
};

describe('names', () => {
  it('are canonical, and each belongs to one method', () => {
    const owners = new Map<string, string>();
    for (const { name, aliases } of listMethods()) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*(\+\+)?$/);
      for (const spelling of [name, ...aliases]) {
        expect(owners.get(spelling) ?? name, spelling).toBe(name);
        owners.set(spelling, name);
      }
    }
  });

  it('that were published are there', () => {
    expect(listMethods().map(({ name }) => name)).toEqual(expect.arrayContaining(PUBLISHED));
  });

  it('are found in every spelling', () => {
    for (const { name, aliases, title } of listMethods())
      for (const spelling of [name, title, ...aliases])
        for (const variant of [
          spelling,
          spelling.toUpperCase(),
          ` ${spelling} `,
          spelling.replaceAll('-', '_'),
          spelling.replaceAll('-', ''),
          spelling.replaceAll('-', ' '),
          spelling.replaceAll('++', 'pp'),
        ])
          expect(findMethod(variant).name, variant).toBe(name);
    for (const [spelling, name] of Object.entries(SPELLINGS)) expect(findMethod(spelling).name, spelling).toBe(name);
  });

  it('that are unknown bring up near ones', async () => {
    await expectError(() => findMethod('gradcam+'), 'ERR_METHOD_UNKNOWN', 'did you mean', 'grad-cam');
    await expectError(() => findMethod('hi-res'), 'ERR_METHOD_UNKNOWN', 'hirescam');
    for (const name of ['', '-', '++', undefined, null, {}, 'constructor', '__proto__'])
      await expectError(() => findMethod(name as string), 'ERR_METHOD_UNKNOWN', 'known:');
  });
});

describe('listMethods', () => {
  it('documents every method and parameter, as plain data', () => {
    const methods = listMethods();
    expect(JSON.parse(JSON.stringify(methods))).toEqual(methods);
    for (const method of methods) {
      for (const field of ['title', 'family', 'paper', 'cost'] as const)
        expect(method[field], `${method.name}: ${field}`).toMatch(/\w/);
      expect(method.needs.activations, method.name).toBe(true);
      expect(method.params).toHaveProperty('relu');
      expect(method.params).toHaveProperty('eigenSmooth');
      for (const [name, spec] of Object.entries(method.params)) {
        expect(spec.description, `${method.name}.${name}`).toMatch(/\w{3}/);
        if (spec.values && spec.default !== undefined) expect(spec.values).toContain(spec.default);
        if (typeof spec.default === 'number') {
          expect(spec.default).toBeGreaterThanOrEqual(spec.min ?? spec.default);
          expect(spec.default).toBeLessThanOrEqual(spec.max ?? spec.default);
        }
      }
    }
  });
});

describe('every method', () => {
  let cam: Explainer;
  beforeAll(async () => {
    cam = await load(plainModel());
  });
  afterAll(() => cam.dispose());
  const images = noiseImage([2, 3, 16, 16], 6);
  const ENTIRE = ['paper', 'pytorch-grad-cam', 'torchcam'] as const;

  /** Few repetitions of what is random. */
  const fewer = (params: Readonly<Record<string, { min?: number }>>) =>
    'n' in params ? { n: Math.max(4, params.n!.min ?? 0) } : {};

  /** Forward passes: the shared one, another for a score of the method's own, each noisy copy, each step. */
  function passesOf(name: string, given: Readonly<Record<string, unknown>>): number {
    const definition = findMethod(name);
    const params = resolveParams(definition, given, 'paper');
    const { noise, optimizer } = needsOf(definition, params);
    return 1 + (definition.ownScore ? 1 : 0) + (noise?.runs ?? 0) + (optimizer ? (params.n as number) : 0);
  }

  /** Methods of transformers and detectors have tests of their own (test/explain/attention.test.ts, detection.test.ts). */
  const LISTED = listMethods().filter(
    ({ needs }) => !needs.attention && !needs.scores?.some(kind => kind === 'block' || kind === 'detections'),
  );

  for (const { name, params, needs } of LISTED)
    it(`${name} gives finite maps of the right size in each of its conventions`, async () => {
      for (const convention of ENTIRE) {
        const known = convention === 'paper' || findMethod(name).conventions.includes(convention);
        const results = flat(
          await cam.explain(images, { method: name, convention, params: fewer(params), target: [1, 3] }),
        );
        expect(results).toHaveLength(2);
        for (const { map, raw, status, method, warnings, convention: used, runs } of results) {
          expect(method).toBe(name);
          expect(used).toBe(known ? convention : 'paper');
          expect(warnings.some(text => text.includes(convention))).toBe(!known);
          expect([map.width, map.height, map.data.length]).toEqual([16, 16, 256]);
          expect(map.data.every(value => value >= 0 && value <= 1)).toBe(true);
          expect(status === 'ok').toBe(map.data.some(value => value > 0));
          expect(raw.data.every(Number.isFinite)).toBe(true);
          expect(raw.data).toHaveLength(raw.dims.reduce((product, dim) => product * dim, 1));
          expect(raw.dims.slice(-2)).toEqual([raw.height, raw.width]);
          expect(runs.network).toBeGreaterThanOrEqual(1);
          if (!needs.scores) expect(runs).toEqual({ network: passesOf(name, fewer(params)), tail: 0, saved: 0 });
        }
      }
    });

  it('gives the same twice, and for several targets what each gives alone', async () => {
    for (const { name, params } of LISTED) {
      const options = { method: name, params: fewer(params) };
      const [image] = [noiseImage([1, 3, 16, 16], 6)];
      const together = flat(await cam.explain(image!, { ...options, target: topK(2) }));
      for (const result of together) {
        const [alone] = flat(await cam.explain(image!, { ...options, target: result.target.index }));
        const worst = alone!.raw.data.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - result.raw.data[i]!)),
          0,
        );
        const scale = Math.max(...alone!.raw.data.map(Math.abs), 1e-6);
        expect(worst / scale, name).toBeLessThan(1e-4);
      }
      if (name !== 'cam') continue;
      const [against] = flat(await cam.explain(image!, { ...options, target: negative(1) }));
      const [plain] = flat(await cam.explain(image!, { ...options, target: 1 }));
      expect([...against!.raw.data]).toEqual([...plain!.raw.data].map(value => -value));
    }
  });

  it('all together equal each alone', async () => {
    const light = LISTED.filter(({ needs }) => !needs.scores).map(({ name }) => name);
    const together = flat(await cam.explain(images, { methods: light, target: 2 }));
    expect(together).toHaveLength(2 * light.length);
    for (const [i, name] of light.entries()) {
      const [first] = flat(await cam.explain(images, { method: name, target: 2 }));
      expect(together[i]!.map.data, name).toEqual(first!.map.data);
    }
  });
});

describe('parameters of a result', () => {
  it.each([
    ['grad-cam++', 'paper', { mode: 'paper', relu: true }],
    ['grad-cam++', 'torchcam', { mode: 'torchcam', relu: true }],
    ['score-cam', 'pytorch-grad-cam', { mode: 'pgc', relu: true }],
    ['eigen-cam', 'pytorch-grad-cam', { centre: true, relu: true }],
    ['eigen-cam', 'paper', { centre: false, relu: true }],
    ['dff', 'paper', { n: 5, relu: false }],
    ['dff', 'pytorch-grad-cam', { n: 5, relu: true }],
  ] as const)('%s, %s: what the convention means is said', (name, convention, params) => {
    expect(resolveParams(findMethod(name), {}, convention)).toMatchObject(params);
  });
});
