import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import { prepareImage } from '../../lib/image/preprocess.ts';
import { resolvePreprocess } from '../../lib/image/preprocess-options.ts';
import { detectSource } from '../../lib/image/source.ts';
import { load } from '../../lib/load.ts';
import { listMethods } from '../../lib/methods/list.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { Network } from '../../lib/network/network.ts';
import { RunSchedule } from '../../lib/network/run-schedule.ts';
import { SessionCache } from '../../lib/network/session-cache.ts';
import { readoutFeeds } from '../../lib/plan/readout.ts';
import { networkGraph } from '../../lib/plan/scoring-graphs.ts';
import { contrast, type DetectionFormatName, detection, probability } from '../../lib/targets/index.ts';
import { parseTargetText } from '../../lib/targets/parse.ts';
import { decodeImage } from '../helpers/decode-image.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one } from '../helpers/explain-models.ts';
import { load as loadGraph } from '../helpers/load.ts';

type Layout = 'yolov8' | 'yolov8-last' | 'yolov5' | 'ssd' | 'detr';

interface Golden {
  readonly size: number;
  readonly inputs: readonly number[];
  readonly nets: Readonly<
    Record<
      Layout,
      {
        readonly cases: readonly {
          readonly classIndex: number;
          readonly box: readonly [number, number, number, number] | null;
          readonly iou: number;
          readonly members: number;
          readonly score: number;
          readonly confidence: number;
          readonly found: readonly number[];
          readonly raw: Readonly<Record<'hirescam' | 'grad-cam', readonly number[]>>;
        }[];
        readonly bestClass: number;
        readonly reference: { readonly corners: readonly number[]; readonly classes: readonly number[] };
        readonly similarity: number;
      }
    >
  >;
}

const folder = new URL('../golden/detection/', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8'));
const LAYOUTS: readonly Layout[] = ['yolov8', 'yolov8-last', 'yolov5', 'ssd', 'detr'];
/** Not recognised without it: three labels would do as well. */
const FORMATS: Partial<Record<Layout, DetectionFormatName>> = { 'yolov8-last': 'yolov8' };
const LETTERBOX = { mean: 0, std: 1, fit: 'letterbox' } as const;
const { size } = golden;
const pixels = 3 * size * size;
const image = (n: number): Tensor<'float32'> => ({
  type: 'float32',
  data: Float32Array.from(golden.inputs.slice(n * pixels, (n + 1) * pixels), value => value / 64),
  dims: [1, 3, size, size],
});
const both: Tensor<'float32'> = {
  type: 'float32',
  data: Float32Array.from(golden.inputs, value => value / 64),
  dims: [2, 3, size, size],
};

const opened = new Map<string, Promise<Explainer>>();
const open = (layout: Layout, options: Parameters<typeof load>[1] = {}) => {
  const key = JSON.stringify([layout, options]);
  if (!opened.has(key)) opened.set(key, load(new URL(`${layout}.onnx`, folder), options));
  return opened.get(key)!;
};
afterAll(async () => Promise.all([...opened.values()].map(async cam => (await cam).dispose())));

const targetOf = (layout: Layout, { classIndex, box, iou }: Omit<Golden['nets'][Layout]['cases'][number], 'raw'>) =>
  detection({ classIndex, ...(box && { box }), iou, ...(FORMATS[layout] && { format: FORMATS[layout] }) });

/** The neck's layer that both heads read. */
const jointLayer = (cam: Explainer) =>
  cam.layers().findLast(({ shape, operator }) => operator === 'Mul' && shape.slice(1).join() === '8,6,6')!.name;

describe.each(LAYOUTS)('%s against torchvision and autograd', layout => {
  it.each(golden.nets[layout].cases)('class $classIndex, box $box, IoU $iou: $members candidates', async one_ => {
    const cam = await open(layout);
    const layer = jointLayer(cam);
    const results = flat(
      await cam.explain(image(0), {
        methods: ['hirescam', 'grad-cam'],
        target: targetOf(layout, one_),
        layer,
      }),
    );
    for (const result of results) {
      expect(result.target).toMatchObject({ index: one_.classIndex, kind: 'detection' });
      expect(result.target.score).toBeCloseTo(one_.score, 4);
      expect(result.target.probability).toBeCloseTo(one_.confidence, 5);
      expectClose(Float32Array.from(result.target.box!), one_.found, 1e-3);
      expect(result.runs.network).toBe(1);
      const raw = one_.raw[result.method as 'hirescam'];
      expectClose(result.raw.data, raw, 2e-4 * Math.max(...raw.map(Math.abs)));
    }
  });

  it('is scored the same by the masked network when nothing is masked', async () => {
    const cam = await open(layout);
    const one_ = golden.nets[layout].cases[2]!;
    const params = { n: 2, cells: 2, p: 1 };
    const { raw } = one(await cam.explain(image(0), { method: 'rise', params, target: targetOf(layout, one_) }));
    expectClose(raw.data, new Array(raw.data.length).fill(one_.score), 1e-4);
  });

  it("D-RISE's similarity is numpy's", async () => {
    const { reference, similarity } = golden.nets[layout];
    const model = await loadGraph(new URL(`${layout}.onnx`, folder));
    const network = new Network(model, new SessionCache(), {}, { schedule: new RunSchedule(1, { sideBySide: true }) });
    const format = FORMATS[layout] && { name: FORMATS[layout] };
    const head = network.head({
      readout: {
        kind: 'detection-similarity',
        ...(format && { format }),
        references: [{ corners: reference.corners, classes: Float32Array.from(reference.classes) }],
      },
    });
    const { graph, input, output } = networkGraph(model, model.facts, head);
    const { model: bytes, externalFiles } = serializeModel(graph);
    const session = await Session.create(bytes, { externalFiles });
    const rows = await session.run({ [input]: both, ...readoutFeeds(head, model.facts) }, [output]);
    await session.dispose();
    expect((rows[output]!.data as Float32Array)[1]).toBeCloseTo(similarity, 4);
    // The image itself has the reference detection: its overlap and cosine are 1.
    expect((rows[output]!.data as Float32Array)[0]).toBeGreaterThan(similarity);
  });
});

describe('without a class', () => {
  it.each(LAYOUTS)('%s: the best class, without the background', async layout => {
    const cam = await open(layout);
    const format = FORMATS[layout];
    const { target } = one(await cam.explain(image(0), { method: 'hirescam', target: detection({ format }) }));
    expect(target.index).toBe(golden.nets[layout].bestClass);
  });
});

describe('detectors that are recognised', () => {
  it.each(['yolov8', 'yolov5', 'ssd'] as const)('%s: class targets are those of the best candidate', async layout => {
    const cam = await open(layout);
    const first = golden.nets[layout].cases[0]!;
    const { target, predictions } = one(await cam.explain(image(0), { method: 'hirescam', target: first.classIndex }));
    expect(target.score).toBeCloseTo(Math.log(first.confidence / (1 - first.confidence)), 3);
    expect(target).toMatchObject({ kind: 'class', index: first.classIndex });
    expect(target.probability).toBeCloseTo(first.confidence, 4);
    expectClose(Float32Array.from(target.box!), first.found, 1e-3);
    expect(predictions[0]).toMatchObject({ index: golden.nets[layout].bestClass });
    const predicted = await cam.predict(image(0));
    expect(predicted[0]!.index).toBe(golden.nets[layout].bestClass);
    const same = predicted.find(({ index }) => index === first.classIndex)!;
    expect(same.probability).toBeCloseTo(first.confidence, 4);
  });

  it('several classes of one image come from one run', async () => {
    const cam = await open('yolov8');
    const results = flat(await cam.explain(image(0), { method: 'hirescam', target: 'top3' }));
    expect(results.map(({ target }) => target.index).sort()).toEqual([0, 1, 2]);
    for (const { target, raw } of results) {
      const alone = one(await cam.explain(image(0), { method: 'hirescam', target: target.index }));
      expectClose(raw.data, alone.raw.data, 1e-6);
    }
  });

  it('labels and numbers of classes tell a class from objectness', async () => {
    const cam = await open('yolov8-last', { labels: ['car', 'dog', 'cat'] });
    const first = golden.nets['yolov8-last'].cases[0]!;
    const { target } = one(await cam.explain(image(0), { method: 'hirescam', target: 'car' }));
    expect(target).toMatchObject({ index: 0, label: 'car' });
    expect(target.probability).toBeCloseTo(first.confidence, 4);
  });

  it('the automatic layer leads to the heads of both scales', async () => {
    for (const layout of ['yolov8', 'yolov5', 'ssd'] as const) {
      const cam = await open(layout);
      expect(cam.layers().find(({ chosen }) => chosen)!.name).toBe(jointLayer(cam));
    }
  });
});

describe('boxes', () => {
  it('are in the pixels of the picture, wherever it lies in the input', async () => {
    // A tall picture in a square input: letterbox puts it in the middle and halves it.
    const cam = await open('yolov8', { preprocess: LETTERBOX });
    const picture = {
      data: Uint8Array.from({ length: 48 * 96 * 3 }, (_, i) => (i * 37) % 251),
      info: { width: 48, height: 96, channels: 3 as const },
    };
    const best = one(await cam.explain(picture, { method: 'hirescam', target: detection({ classIndex: 1 }) }));
    const [x, y, width, height] = best.target.box!;
    const boxed = detection({ classIndex: 1, box: [x, y, width, height], iou: 0.999 });
    const again = one(await cam.explain(picture, { method: 'hirescam', target: boxed }));
    expect(again.warnings).toEqual([]);
    expect(again.target.score).toBeCloseTo(best.target.score, 5);
    expectClose(Float32Array.from(again.target.box!), best.target.box!, 1e-3);
    // The input's pixels are two of the picture's, and the picture's left edge is at 12 of 48.
    const tensor = one(
      await cam.explain(await fed(picture), { method: 'hirescam', target: detection({ classIndex: 1 }) }),
    );
    expectClose(Float32Array.from(tensor.target.box!), [x / 2 + 12, y / 2, width / 2, height / 2], 1e-2);
  });

  it('that no candidate reaches take the nearest ones, and say so', async () => {
    const cam = await open('yolov8');
    const near = golden.nets.yolov8.cases.find(({ iou, box }) => iou === 0.9 && box)!;
    const result = one(await cam.explain(image(0), { method: 'hirescam', target: targetOf('yolov8', near) }));
    expect(result.warnings.join()).toMatch(/no candidate .* IoU of 0.9/);
    const away = detection({ classIndex: 0, box: [900, 900, 5, 5] });
    const nothing = one(await cam.explain(image(0), { method: 'hirescam', target: away }));
    expect(nothing).toMatchObject({ status: 'zero', target: { score: 0 } });
    expect(nothing.target.box).toBeUndefined();
    expect(nothing.warnings.join()).toMatch(/overlaps the box/);
  });

  it('are each image’s own in a batch', async () => {
    const cam = await open('yolov8');
    const box = [10, 10, 20, 20] as const;
    const target = [detection({ classIndex: 1, box, iou: 0.3 }), detection({ classIndex: 0 })];
    const together = flat(await cam.explain([image(0), image(1)], { method: 'hirescam', target }));
    for (const [n, result] of together.entries()) {
      const alone = one(await cam.explain(image(n), { method: 'hirescam', target: target[n] }));
      expectClose(result.raw.data, alone.raw.data, 1e-6);
      expect(result.target).toEqual(alone.target);
    }
  });
});

describe('combinations', () => {
  it('contrast of two classes in one box; probability is the confidence itself', async () => {
    const cam = await open('yolov5');
    const [a, b] = golden.nets.yolov5.cases.slice(2, 4).map(one_ => targetOf('yolov5', one_));
    const score = async (target: Parameters<Explainer['explain']>[1]) =>
      one(await cam.explain(image(0), { method: 'hirescam', ...target })).target.score;
    const [of, than] = [await score({ target: a! }), await score({ target: b! })];
    expect(await score({ target: contrast(a!, b!) })).toBeCloseTo(of - than, 5);
    expect(await score({ target: probability(a!) })).toBeCloseTo(of, 6);
  });

  it.each(['auto', 'fp16'] as const)(
    'every method but those of classifiers and transformers runs: %s',
    async precision => {
      const cam = await open('yolov8', { precision });
      const target = detection({ classIndex: 0, box: [6, 9, 18, 20], iou: 0.12 });
      const all = listMethods();
      const refused = cam.unsupported(
        all.map(({ name }) => name),
        { target },
      );
      for (const { name, params, needs } of all) {
        const other = name === 'cam' || needs.attention || needs.scores?.includes('block');
        expect(refused.has(name), name).toBe(Boolean(other));
        if (other) continue;
        const options = { method: name, params: 'n' in params ? { n: 4 } : {}, target };
        const result = one(await cam.explain(image(0), options));
        expect(['ok', 'zero'], name).toContain(result.status);
        expect(result.target.box, name).toBeDefined();
      }
    },
  );
});

describe('d-rise', () => {
  it('is higher where the masks leave the detection', async () => {
    const cam = await open('yolov8');
    const params = { n: 60, cells: 4 };
    const done: number[] = [];
    const onProgress = (progress: { done: number }) => done.push(progress.done);
    const run = () => cam.explain(image(0), { method: 'd-rise', params, target: detection(), onProgress });
    const result = one(await run());
    expect(result).toMatchObject({ status: 'ok', method: 'd-rise' });
    expect(result.runs).toEqual({ network: 61, tail: 0, saved: 0 });
    expect(done.at(-1)).toBe(60);
    expectClose(one(await run()).raw.data, result.raw.data, 1e-6);
  });

  it('of an unmasked image is the objectness of its own detection', async () => {
    for (const layout of ['yolov8', 'yolov5'] as const) {
      const cam = await open(layout);
      const params = { n: 1, cells: 2, p: 1 };
      const { raw, target } = one(await cam.explain(image(0), { method: 'd-rise', params, target: detection() }));
      // Of YOLOv5 the confidence is the objectness times the class's.
      expect(raw.data[0]).toBeGreaterThanOrEqual(target.probability! - 1e-5);
      if (layout === 'yolov8') expect(raw.data[0]).toBeCloseTo(target.probability!, 4);
    }
  });

  it('says what it takes', async () => {
    const cam = await open('yolov8');
    const classes = contrast(detection({ classIndex: 0 }), detection({ classIndex: 1 }));
    await expectError(
      () => cam.explain(image(0), { method: 'd-rise', target: classes }),
      'ERR_METHOD_UNSUPPORTED',
      'single detections',
    );
  });
});

describe('what cannot be', () => {
  it('no detector, another format, a class that is not there, bad options', async () => {
    const cam = await open('yolov8');
    const explain = (options: Parameters<typeof detection>[0]) => async () =>
      cam.explain(image(0), { method: 'hirescam', target: detection(options) });
    await expectError(explain({ classIndex: 3 }), 'ERR_TARGET_RANGE', '3 classes');
    await expectError(explain({ format: 'ssd' }), 'ERR_MODEL_UNSUPPORTED', 'output0');
    await expectError(explain({ iou: 0 }), 'ERR_OPTION_INVALID', 'iou');
    await expectError(explain({ box: [1, 2, 0, 4] }), 'ERR_OPTION_INVALID', 'box');
    await expectError(explain({ format: 'yolo' as 'yolov8' }), 'ERR_OPTION_INVALID', 'yolov8');
  });

  it('the command line’s form', () => {
    expect(parseTargetText('detection:2')).toEqual(detection({ classIndex: 2 }));
    expect(parseTargetText('detection:best')).toEqual(detection());
    expect(parseTargetText('detection:2@1,2,3,4.5')).toEqual(detection({ classIndex: 2, box: [1, 2, 3, 4.5] }));
    expect(parseTargetText('detection:@1,2,3,4')).toEqual(detection({ box: [1, 2, 3, 4] }));
    for (const text of ['detection:cat', 'detection:2@1,2,3', 'detection:2@a,b,c,d', 'detection:@'])
      expect(() => parseTargetText(text)).toThrow(/ERR_OPTION_INVALID|detection|box/);
  });
});

/** What the network gets of a picture. */
async function fed(picture: { data: Uint8Array; info: { width: number; height: number; channels: 3 } }) {
  const { input } = await loadGraph(new URL('yolov8.onnx', folder));
  const preprocess = resolvePreprocess(LETTERBOX, { ...input, layout: 'nchw' }, undefined);
  const source = detectSource(picture);
  if (source.kind === 'tensor') throw new TypeError('a picture was meant');
  return (await prepareImage(await decodeImage(source, {}), preprocess, {})).tensor;
}
