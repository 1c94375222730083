import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { ExplainResult } from '../../lib/explain/result-type.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { type Graph, makeNode } from '../../lib/model/graph/graph.ts';
import { makeTensorProto } from '../../lib/model/graph/tensor-values.ts';
import { type DetectionFormatName, detection } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one } from '../helpers/explain-models.ts';
import { buildModel, type ValueSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const folder = new URL('../golden/detection/', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8'));
const { size } = golden as { size: number };
const image: Tensor<'float32'> = {
  type: 'float32',
  data: Float32Array.from(golden.inputs.slice(0, 3 * size * size) as number[], value => value / 64),
  dims: [1, 3, size, size],
};

/** Above this threshold scaled pictures have other numbers of detections. */
const DISTINGUISHING = 0.35;
const pictures = [1, 3, 10, 0].map(
  (factor): Tensor<'float32'> => ({ ...image, data: image.data.map(value => factor * value) }),
);

const open = explainerOpener();

/**
 * The golden YOLOv8-like network with a NonMaxSuppression behind it, and its detections as exporters hand them out: in
 * lists, or in one matrix. `hidden` filters the candidates first, as torchvision does.
 */
function suppressed(
  form: 'lists' | 'xyxy-score-class' | 'batch-xyxy-class-score',
  hidden = false,
  threshold = 0.3,
): Uint8Array {
  const graph: Graph = parseModel(readFileSync(new URL('yolov8.onnx', folder))).clone();
  let made = 0;
  const ints = (...values: number[]) => {
    const name = `ints${made++}`;
    graph.initializers.set(name, makeTensorProto(name, 'int64', [values.length], BigInt64Array.from(values, BigInt)));
    return name;
  };
  const float = (value: number) => {
    const name = `float${made++}`;
    graph.initializers.set(name, makeTensorProto(name, 'float32', [1], Float32Array.of(value)));
    return name;
  };
  const add = (op: string, inputs: string[], output: string, attributes = {}) => {
    graph.append(makeNode(op, inputs, [output], attributes, { name: output }));
    return output;
  };
  const slice = (from: string, start: number, end: number, axis: number, output: string) =>
    add('Slice', [from, ints(start), ints(end), ints(axis)], output);
  add('Transpose', ['output0'], 'rows', { perm: [0, 2, 1] });
  let rows = 'rows';
  if (hidden) {
    // Only candidates whose width is positive: all of them, but the graph doesn't know.
    add('Squeeze', [slice('rows', 2, 3, 2, 'widths'), ints(0, 2)], 'flat');
    add('NonZero', [add('Greater', ['flat', float(0)], 'wide')], 'places');
    add('Squeeze', ['places', ints(0)], 'place');
    rows = add('Gather', ['rows', 'place'], 'kept', { axis: 1 });
  }
  slice(rows, 0, 4, 2, 'centred');
  add('Transpose', [slice(rows, 4, 7, 2, 'confidences')], 'scores', { perm: [0, 2, 1] });
  add('NonMaxSuppression', ['centred', 'scores', ints(10), float(0.5), float(threshold)], 'selected', {
    center_point_box: 1,
  });
  const half = add('Mul', [slice('centred', 2, 4, 2, 'sizes'), float(0.5)], 'halves');
  const centre = slice('centred', 0, 2, 2, 'centres');
  add('Concat', [add('Sub', [centre, half], 'low'), add('Add', [centre, half], 'high')], 'corners', { axis: 2 });
  add('Gather', ['selected', ints(0, 2)], 'where', { axis: 1 });
  add('GatherND', ['corners', 'where'], 'boxes');
  add('GatherND', ['scores', 'selected'], 'confidence');
  slice('selected', 1, 2, 1, 'column');
  add('Squeeze', ['column', ints(1)], 'labels');
  let outputs: ValueSpec[] = [
    { name: 'boxes', dims: ['M', 4] },
    { name: 'confidence', dims: ['M'] },
    { name: 'labels', type: 'int64', dims: ['M'] },
  ];
  if (form !== 'lists') {
    const score = add('Unsqueeze', ['confidence', ints(1)], 'score');
    const label = add('Cast', ['column'], 'label', { to: 1 });
    const number = add('Cast', [slice('selected', 0, 1, 1, 'image')], 'number', { to: 1 });
    const columns = form === 'xyxy-score-class' ? ['boxes', score, label] : [number, 'boxes', label, score];
    add('Concat', columns, 'detections', { axis: 1 });
    outputs = [{ name: 'detections', dims: ['M', columns.length + 3] }];
  }
  return buildModel({
    nodes: graph.nodes,
    inputs: [{ name: 'images', dims: ['N', 3, size, size] }],
    outputs,
    initializers: Object.fromEntries(graph.initializers),
  });
}

describe('candidates before a suppression', () => {
  it.each(['lists', 'xyxy-score-class'] as const)('%s: the raw head is found and differentiated', async form => {
    const cam = await open(suppressed(form));
    for (const { classIndex, box, iou, score, found, raw } of golden.nets.yolov8.cases) {
      const target = detection({ classIndex, ...(box && { box }), iou });
      const result = one(await cam.explain(image, { method: 'hirescam', target }));
      expect(result.target.score).toBeCloseTo(score, 4);
      expectClose(Float32Array.from(result.target.box!), found, 1e-3);
      expectClose(result.raw.data, raw.hirescam, 2e-4 * Math.max(...raw.hirescam.map(Math.abs)));
    }
    const [best] = await cam.predict(image);
    expect(best!.index).toBe(golden.nets.yolov8.bestClass);
  });
});

const FORMS: [string, 'lists' | 'xyxy-score-class' | 'batch-xyxy-class-score', DetectionFormatName | undefined][] = [
  ['lists', 'lists', undefined],
  ['[M,6]', 'xyxy-score-class', undefined],
  ['[M,7]', 'batch-xyxy-class-score', undefined],
  ['[M,6], named', 'xyxy-score-class', 'xyxy-score-class'],
];

describe.each(FORMS)('pictures with different numbers of detections, one after another: %s', (_, form, format) => {
  const methods = ['d-rise', 'eigen-cam', 'score-cam'];
  const target = detection({ ...(format && { format }) });
  const options = { methods, target, params: { n: 4, topK: 2 } };
  const numbers = (result: ExplainResult) => flat(result).map(({ raw, target, status }) => [raw.data, target, status]);

  it('give what each gives alone', async () => {
    const alone: unknown[] = [];
    for (const picture of pictures)
      alone.push(numbers(await (await open(suppressed(form, true, DISTINGUISHING))).explain(picture, options)));
    const cam = await open(suppressed(form, true, DISTINGUISHING));
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [0, 0, 2],
    ])
      for (const i of order) expect(numbers(await cam.explain(pictures[i]!, options))).toEqual(alone[i]);
    const streamed: unknown[] = [];
    for await (const { result, error } of cam.stream(pictures, options)) streamed.push(error ?? numbers(result!));
    expect(streamed).toEqual(alone);
    for (const batchSize of [1, 4])
      expect(((await cam.explain(pictures, { ...options, batchSize })) as ExplainResult[]).map(numbers)).toEqual(alone);
  });
});

describe.each(FORMS)('detections behind a suppression: %s', (_, form, format) => {
  const best = golden.nets.yolov8.cases[0];

  it('are explained without gradients, and say that they have none', async () => {
    const cam = await open(suppressed(form, true));
    const target = detection({ ...(format && { format }) });
    await expectError(
      () => cam.explain(image, { method: 'grad-cam', target }),
      'ERR_NO_GRADIENT',
      'd-rise',
      'raw head',
    );
    const methods = ['grad-cam', 'd-rise', 'rise', 'eigen-cam'];
    expect([...cam.unsupported(methods, { target }).keys()]).toEqual(['grad-cam']);
    const params = { n: 40, cells: 4 };
    const result = one(await cam.explain(image, { method: 'd-rise', params, target }));
    expect(result.status).toBe('ok');
    expect(result.target).toMatchObject({ index: 0, kind: 'detection' });
    expect(result.target.score).toBeCloseTo(best.confidence, 5);
    expect(result.target.probability).toBeCloseTo(best.confidence, 5);
    expectClose(Float32Array.from(result.target.box!), best.found, 1e-3);
    const whole = one(await cam.explain(image, { method: 'd-rise', params: { n: 1, p: 1 }, target }));
    expect(whole.raw.data[0]).toBeCloseTo(best.confidence, 4);
    // Data reaches the detections by the neck's fine layer alone in no network with two scales: a layer before it.
    const early = cam.layers().find(({ operator }) => operator === 'Mul')!.name;
    const ablated = one(await cam.explain(image, { method: 'ablation-cam', layer: early, target }));
    expect(ablated.status).not.toBe('not-finite');
    expect(ablated.runs.tail).toBeGreaterThan(0);
    const rise = one(await cam.explain(image, { method: 'rise', params: { n: 1, p: 1 }, target }));
    expect(rise.raw.data[0]).toBeCloseTo(best.confidence, 4);
  });

  it('are predicted by class, and none is none', async () => {
    const cam = await open(suppressed(form, true), { labels: ['car', 'dog', 'cat'] });
    const predicted = await cam.predict(image);
    expect(predicted[0]).toMatchObject({ index: 0, label: 'car' });
    expect(predicted[0]!.probability).toBeCloseTo(best.confidence, 5);
    // Far from everything: the score is zero, and said to be.
    const target = detection({ classIndex: 0, box: [500, 500, 9, 9], ...(format && { format }) });
    const result = one(await cam.explain(image, { method: 'score-cam', params: { topK: 2 }, target }));
    expect(result.target.score).toBe(0);
    expect(result.warnings.join()).toMatch(/overlaps the box/);
  });
});
