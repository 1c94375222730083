/** What only a GPU can show. Skipped, with the reason, where there is none; the summary counts these tests as skipped. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, type LoadOptions, stream } from '../../lib/index.ts';
import { correlation } from '../helpers/correlation.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { deviceMemory, whyNoCuda } from './device.ts';

const path = (name: string) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));
const MODEL = path('efficientnet-lite0.onnx');
const CAT = path('pictures/cat.png');
const PICTURES = ['cat.png', 'coffee.jpg', 'rocket.jpg'].map(name => path(`pictures/${name}`));
const METHODS = [
  ...['grad-cam', 'grad-cam++', 'xgrad-cam', 'hirescam', 'layer-cam', 'grad-cam-elementwise', 'eigen-cam', 'cam'],
  ...['score-cam', 'ss-cam', 'is-cam', 'ablation-cam', 'recipro-cam', 'fd-cam', 'fullgrad'],
];

/** Enough for score methods to be compared, few enough for the CPU to keep up. */
const FEW = { topK: 24, n: 2 };

/** Largest difference of maps, and least correlation, that each precision may have from the CPU's float32. */
const TOLERANCES = {
  fp32: { difference: 1e-4, correlation: 0.99999 },
  tf32: { difference: 2e-2, correlation: 0.999 },
  fp16: { difference: 5e-2, correlation: 0.995 },
} as const;
/** With so few samples of noise SS-CAM's weights hang on small differences of scores, which fewer digits change. */
const NOISY = { difference: 0.3, correlation: 0.9 } as const;

const reason = await whyNoCuda();

describe.skipIf(reason !== undefined)(`on a GPU${reason ? ' (there is none here)' : ''}`, () => {
  const openModel = explainerOpener();
  const open = (options: LoadOptions = {}) => openModel(MODEL, { executionProviders: ['cuda'], ...options });
  let expected: Explanation[];
  beforeAll(async () => {
    const cpu = await open({ executionProviders: ['cpu'] });
    expected = await cpu.explain(CAT, { methods: METHODS, target: 281, params: FEW });
  }, 300_000);

  it.each(['fp32', 'tf32', 'fp16'] as const)(
    'whole methods agree with the CPU in %s',
    async precision => {
      const cam = await open({ precision });
      const results = await cam.explain(CAT, { methods: METHODS, target: 281, params: FEW });
      for (const [i, { map, precision: used, runs }] of results.entries()) {
        const other = expected[i]!;
        expect(used).toBe(precision);
        const difference = map.data.reduce((most, value, p) => Math.max(most, Math.abs(value - other.map.data[p]!)), 0);
        const found = { method: METHODS[i], difference, correlation: correlation(map.data, other.map.data) };
        const tolerance = precision !== 'fp32' && METHODS[i] === 'ss-cam' ? NOISY : TOLERANCES[precision];
        expect(found.difference, JSON.stringify(found)).toBeLessThanOrEqual(tolerance.difference);
        expect(found.correlation, JSON.stringify(found)).toBeGreaterThanOrEqual(tolerance.correlation);
        if (precision === 'fp32') expect(runs).toEqual(other.runs);
      }
    },
    300_000,
  );

  it('gives the same bits in every run', async () => {
    const cam = await open({ precision: 'fp32' });
    const run = () => cam.explain(CAT, { method: 'score-cam', target: 281 });
    const [first, second] = [await run(), await run()];
    expect(first.map.data).toEqual(second.map.data);
  }, 300_000);

  it('a thousand explanations leave the memory of the device as it is', async () => {
    const cam = await open();
    const rounds = async (count: number) => {
      for (let i = 0; i < count; i++) await cam.explain(PICTURES[i % 3]!, { methods: ['grad-cam', 'recipro-cam'] });
      return deviceMemory();
    };
    const start = await rounds(50);
    expect((await rounds(950)) - start).toBeLessThan(32);
  }, 600_000);

  it('an abort ends a run within two batches, and the explainer stays usable', async () => {
    const cam = await open();
    const controller = new AbortController();
    const running = cam.explain(CAT, { method: 'score-cam', signal: controller.signal, params: { dedupe: false } });
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect((await cam.explain(CAT, { method: 'grad-cam' })).status).toBe('ok');
  }, 120_000);

  it('two explainers at once on one device give what each gives alone', async () => {
    const [first, second] = [await open({ precision: 'fp32' }), await open({ precision: 'fp32' })];
    const run = (cam: Explainer, method: string) => cam.explain(CAT, { method, target: 281 });
    const alone = [await run(first, 'score-cam'), await run(second, 'ablation-cam')];
    const together = await Promise.all([run(first, 'score-cam'), run(second, 'ablation-cam')]);
    for (const [i, { map }] of together.entries()) expect(map.data).toEqual(alone[i]!.map.data);
    const streamed: string[] = [];
    for await (const { input, error } of stream([first, second], [...PICTURES, ...PICTURES])) {
      expect(error).toBeUndefined();
      streamed.push(input);
    }
    expect(streamed).toEqual([...PICTURES, ...PICTURES]);
  }, 300_000);

  it('a batch that cannot fit is halved, with a warning', async () => {
    const cam = await open({
      executionProviders: [
        { name: 'cuda', options: { gpu_mem_limit: 512 * 2 ** 20, arena_extend_strategy: 'kSameAsRequested' } },
      ],
    });
    const options = { method: 'score-cam', target: 281, params: { dedupe: false } };
    const result = await cam.explain(CAT, { ...options, batchSize: 1024 });
    expect(result.warnings).toContainEqual(expect.stringContaining('did not fit into memory'));
    const small = await cam.explain(CAT, { ...options, batchSize: 16 });
    expect(correlation(result.map.data, small.map.data)).toBeGreaterThan(0.999);
  }, 300_000);

  it("passes ONNX Runtime's own keys through", async () => {
    const options = {
      prefer_nhwc: 1,
      use_tf32: 0,
      arena_extend_strategy: 'kSameAsRequested',
      cudnn_conv_algo_search: 'HEURISTIC',
      enable_cuda_graph: 1,
    };
    const cam = await open({ executionProviders: [{ name: 'cuda', deviceId: 0, options }] });
    const result = await cam.explain(CAT, { method: 'grad-cam', target: 281 });
    expect(result.precision).toBe('fp32');
    expect(correlation(result.map.data, expected[0]!.map.data)).toBeGreaterThan(0.999);
  }, 300_000);
});
