import { describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { detection } from '../../lib/targets/index.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one } from '../helpers/explain-models.ts';
import { int64, noise, type ValueSpec, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
type Weights = Readonly<Record<string, WeightSpec>>;
const vector = (...data: number[]) => ({ dims: [data.length], data });

/** `f` [N,64,8]: a row for each of 64 places. */
const ROWS = [
  makeNode('Reshape', ['a', 'flat'], ['columns']),
  makeNode('Transpose', ['columns'], ['f'], { perm: [0, 2, 1] }),
];

function detector(
  nodes: readonly GraphNode[],
  outputs: readonly (string | ValueSpec)[],
  weights: Weights,
  batch?: number,
) {
  const specs = outputs.map(output => (typeof output === 'string' ? { name: output } : output));
  const all = { flat: int64(0, 8, -1), ...weights };
  return network([...ROWS, ...nodes], { outputs: specs, weights: all, batch: batch ?? 'N' });
}

/** Linear columns `name` [N,64,length] of the rows, with a bias of their own. */
const linear = (
  name: string,
  length: number,
  seed: number,
  bias: readonly number[] = new Array(length).fill(0),
  scale = 1,
) => ({
  nodes: [makeNode('MatMul', ['f', `${name}_w`], [`${name}_m`]), makeNode('Add', [`${name}_m`, `${name}_b`], [name])],
  weights: { [`${name}_w`]: noise([8, length], seed, scale), [`${name}_b`]: vector(...bias) },
});

describe('lists that the graph chooses as the best few', () => {
  const boxes = linear('box', 4, 4);
  const scores = linear('sc', 3, 5);
  const more = linear('more', 5, 6);
  const wide = (name: string, columns: number) => [
    makeNode('Expand', ['place', `by${columns}`], [`${name}_at`]),
    makeNode('GatherElements', [name, `${name}_at`], [`${name}_rows`], { axis: 1 }),
  ];
  /** As YOLO26 and others without suppression end: rows of corners, score, class, and more behind them. */
  const chosen = (columns: readonly string[], rename: Record<string, string> = {}) => {
    const nodes = [
      ...[boxes, scores, more].flatMap(part => part.nodes),
      makeNode('Exp', ['box'], ['size']),
      makeNode('Slice', ['size', 'zero', 'two', 'two'], ['low']),
      makeNode('Slice', ['size', 'two', 'four', 'two'], ['extent']),
      makeNode('Add', ['low', 'extent'], ['high']),
      makeNode('Concat', ['low', 'high'], ['corners'], { axis: 2 }),
      makeNode('Sigmoid', ['sc'], ['sp']),
      makeNode('Flatten', ['sp'], ['all']),
      makeNode('TopK', ['all', 'ten'], ['best', 'index']),
      makeNode('Mod', ['index', 'three'], ['kind']),
      makeNode('Div', ['index', 'three'], ['row']),
      makeNode('Unsqueeze', ['row', 'two'], ['place']),
      ...wide('corners', 4),
      ...wide('more', 5),
      makeNode('Unsqueeze', ['best', 'two'], ['score']),
      makeNode('Cast', ['kind'], ['kind_f'], { to: 1 }),
      makeNode('Unsqueeze', ['kind_f', 'two'], ['class']),
      makeNode('Slice', ['more_rows', 'zero', 'one', 'two'], ['angle']),
      makeNode('Concat', [...columns], [rename.rows ?? 'output0'], { axis: 2 }),
    ];
    const weights = {
      ...{ zero: int64(0), one: int64(1), two: int64(2), four: int64(4), ten: int64(10) },
      ...{ three: int64(3), by4: int64(1, 1, 4), by5: int64(1, 1, 5) },
      ...boxes.weights,
      ...scores.weights,
      ...more.weights,
    };
    return { nodes, weights };
  };

  const read = async (model: Uint8Array, labels?: string[]) => {
    const cam = await open(model, { labels });
    const { target } = one(
      await cam.explain(image, { method: 'd-rise', params: { n: 2, cells: 4 }, target: detection({}) }),
    );
    return target;
  };

  it.each([
    ['mask coefficients or key points', ['corners_rows', 'score', 'class', 'more_rows']],
    ['the class first', ['class', 'score', 'corners_rows']],
    ['the number of the picture first', ['none', 'corners_rows', 'class', 'score']],
  ])('%s', async (_, columns) => {
    const plain = chosen(['corners_rows', 'score', 'class']);
    const expected = await read(detector(plain.nodes, ['output0'], plain.weights));
    const { nodes, weights } = chosen(columns);
    const none = { dims: [1, 10, 1], data: new Float32Array(10) };
    const found = await read(
      detector(nodes, ['output0'], { ...weights, none }, columns.includes('none') ? 1 : undefined),
    );
    expect(found).toEqual(expected);
    expect(found.score).toBeGreaterThan(0.5);
  });

  it('an angle behind them: boxes are centre and size', async () => {
    const plain = chosen(['corners_rows', 'score', 'class']);
    const [x, y, width, height] = (await read(detector(plain.nodes, ['output0'], plain.weights))).box!;
    const { nodes, weights } = chosen(['corners_rows', 'score', 'class', 'angle']);
    const { box } = await read(detector(nodes, ['output0'], weights));
    const [right, bottom] = [x + width, y + height];
    expectClose(Float32Array.from(box!), [x - right / 2, y - bottom / 2, right, bottom], 1e-3);
  });

  it('boxes with their scores beside an output of classes, as MMDeploy writes them', async () => {
    const plain = chosen(['corners_rows', 'score', 'class']);
    const expected = await read(detector(plain.nodes, ['output0'], plain.weights));
    const { nodes, weights } = chosen(['corners_rows', 'score'], { rows: 'dets' });
    const outputs: (string | ValueSpec)[] = ['dets', { name: 'kind', type: 'int64' }];
    expect(await read(detector(nodes, outputs, weights))).toEqual(expected);
  });

  it('have no gradient, and the reason names no suppression alone', async () => {
    const { nodes, weights } = chosen(['corners_rows', 'score', 'class']);
    const cam = await open(detector(nodes, ['output0'], weights));
    await expectError(() => cam.explain(image), 'ERR_NO_GRADIENT', 'best few', 'd-rise');
  });
});

describe('boxes and scores in an output each', () => {
  const scores = linear('sc', 5, 5);
  const four = linear('four', 4, 6);

  it('four columns of a Sigmoid are centre and size', async () => {
    const box = linear('box', 4, 4);
    const nodes = [...box.nodes, ...scores.nodes, makeNode('Sigmoid', ['box'], ['boxes'])];
    const weights = { ...box.weights, ...scores.weights };
    const guessed = await open(detector(nodes, ['sc', 'boxes'], weights));
    const named = await open(detector(nodes, ['sc', 'boxes'], weights), { detector: { name: 'ssd', boxes: 'xywh' } });
    const { target } = one(await guessed.explain(image));
    expect(target.box).toBeDefined();
    expect(target).toEqual(one(await named.explain(image)).target);
  });

  it('four logits beside four columns of a Sigmoid are refused with both readings, and either format works', async () => {
    const nodes = [...four.nodes, ...linear('box', 4, 4).nodes, makeNode('Sigmoid', ['box'], ['output1'])];
    const weights = { ...four.weights, ...linear('box', 4, 4).weights };
    const model = detector(nodes, ['four', 'output1'], weights);
    const cam = await open(model);
    await expectError(() => cam.predict(image), 'ERR_MODEL_UNSUPPORTED', "'ssd'", "'detr'", '`detector`');
    const scoreOf = async (format: 'ssd' | 'detr') => {
      const [best] = await (await open(model, { detector: format })).predict(image);
      return best!.score;
    };
    expect(await scoreOf('ssd')).not.toBe(await scoreOf('detr'));
  });

  it('that are offsets from anchors give a score, but no invented box', async () => {
    const loc = linear('loc', 4, 4, [0, 0, 0, 0], 2);
    const nodes = [...loc.nodes, ...scores.nodes, makeNode('Softmax', ['sc'], ['conf'], { axis: 2 })];
    const cam = await open(detector(nodes, ['loc', 'conf'], { ...loc.weights, ...scores.weights }));
    const { target, warnings, status } = one(await cam.explain(image));
    expect(status).toBe('ok');
    expect(target.probability).toBeGreaterThan(0);
    expect(target.box).toBeUndefined();
    expect(warnings.join()).toMatch(/no box is given.*offsets from anchors/);
  });
});

describe('boxes and scores in one output', () => {
  /** Columns of 4 and some others, joined. */
  const joined = (
    parts: readonly { readonly nodes: readonly GraphNode[]; readonly weights: Weights }[],
    activations: readonly (string | undefined)[],
    batch?: number,
  ) => {
    const names = ['box', 'first', 'second'].slice(0, parts.length);
    const made = names.map((name, i) => makeNode(activations[i] ?? 'Identity', [name], [`${name}_y`]));
    const nodes = [
      ...parts.flatMap(part => part.nodes),
      ...made,
      makeNode(
        'Concat',
        names.map(name => `${name}_y`),
        ['y'],
        { axis: 2 },
      ),
    ];
    return detector(nodes, ['y'], Object.assign({}, ...parts.map(part => part.weights)), batch);
  };
  const box = linear('box', 4, 4);

  it('objectness and one class are two columns, whether the class has a label or not', async () => {
    const model = joined([box, linear('first', 1, 5), linear('second', 1, 6)], ['Exp', 'Sigmoid', 'Sigmoid']);
    const named = await open(model, { detector: 'yolov5' });
    const [expected] = await named.predict(image);
    for (const labels of [undefined, ['face']]) {
      const [found] = await (await open(model, { labels })).predict(image);
      expect(found!.score).toBe(expected!.score);
    }
  });

  it('more classes than candidates', async () => {
    const model = joined([box, linear('first', 80, 5)], ['Sigmoid', 'Sigmoid']);
    const labels = Array.from({ length: 80 }, (_, k) => `class ${k}`);
    const cam = await open(model, { labels });
    expect((await cam.predict(image, { topK: 99 })).length).toBe(80);
    expect(one(await cam.explain(image)).target.box).toBeDefined();
  });

  it('two kinds of scores are no boxes without a reason, and boxes inside the picture are one', async () => {
    const scores = linear('first', 5, 5);
    const cam = await open(joined([linear('box', 4, 4, [1, 1, 1, 1]), scores], ['Sigmoid', 'Sigmoid']));
    await expectError(
      () => cam.predict(image),
      'ERR_MODEL_UNSUPPORTED',
      "'yolov8'",
      'no detections',
      '--detector none',
    );
    expect(cam.unsupported(['grad-cam', 'd-rise']).size).toBe(0);
    const inside = joined([linear('box', 4, 4, [0, 0, -4, -4], 0.1), scores], ['Sigmoid', 'Sigmoid']);
    const settled = await open(inside);
    const { target, warnings } = one(await settled.explain(image));
    expect(target.box).toBeDefined();
    expect(warnings.join()).toMatch(/'yolov8' was taken because of the values/);
    const named = one(await (await open(inside, { detector: 'yolov8' })).explain(image));
    expect(named.warnings).toEqual([]);
    expect(named.target).toEqual(target);
    // Of several pictures the first one that can tell does, and the others are not run for it.
    const several = await open(inside);
    const run = vi.spyOn(Session.prototype, 'run');
    try {
      await several.explain([image, image, image, image]);
      expect(run).toHaveBeenCalledTimes(5);
    } finally {
      run.mockRestore();
    }
  });

  it('the values of a picture tell objectness from a class, or the call is refused, for detection() too', async () => {
    const taken = async (bias: readonly number[]) => {
      const cam = await open(joined([box, linear('first', 3, 5, bias, 0.01)], ['Exp', 'Sigmoid']));
      const results = [one(await cam.explain(image)), one(await cam.explain(image, { target: detection({}) }))];
      expect(results[0]!.target.index).toBe(results[1]!.target.index);
      expect((await cam.predict(image, { topK: 9 })).length).toBe(results[0]!.predictions.length);
      expect(results[0]!.warnings).toEqual(results[1]!.warnings);
      return { count: results[0]!.predictions.length, warnings: results[0]!.warnings.join() };
    };
    // A first class that is there alone; objectness beside the second of two classes.
    expect(await taken([5, -9, -9])).toMatchObject({ count: 3, warnings: expect.stringMatching(/'yolov8' was taken/) });
    expect(await taken([5, -9, 5])).toMatchObject({ count: 2, warnings: expect.stringMatching(/'yolov5' was taken/) });
    const unclear = await open(joined([box, linear('first', 3, 5)], ['Exp', 'Sigmoid']));
    for (const target of ['top1', detection({})] as const)
      await expectError(() => unclear.explain(image, { target }), 'ERR_MODEL_UNSUPPORTED', "'yolov8'", "'yolov5'");
    await unclear.explain(image, { target: detection({ format: 'yolov8' }) });
  });
});
