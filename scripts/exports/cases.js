import { exportableMethods } from '../../build/modules/export/exportable.js';
import { segmentation, similarity } from '../../build/modules/targets/index.js';

/** Classes of the images where they are an input; −1 is the best one. */
const CLASSES = [2, -1, 0, 1];

/**
 * What is exported of a model: every method with a fixed target, the best class, and classes that differ from image to image, at the
 * layer's and the input's size.
 * @param all every target at both sizes; otherwise the sizes take turns
 * @returns options of `export`, each with `classes` for the images where they are an input
 */
export function casesOf({ name, outputDims }, all) {
  const classes = outputDims[1] ?? 1;
  const fixed = /clip|dino|embedding/.test(name)
    ? similarity(directions(classes))
    : outputDims.length === 4
      ? segmentation({ classIndex: 2 })
      : Math.min(2, classes - 1);
  const given = CLASSES.map(one => Math.min(one, classes - 1));
  const targets = [{ target: fixed }, { target: 'top1' }, { target: 'input', classes: given }];
  const cases = exportableMethods().flatMap((method, i) =>
    targets.flatMap((target, j) =>
      (all ? ['layer', 'input'] : [(i + j) % 2 === 0 ? 'layer' : 'input']).map(map => ({ method, map, ...target })),
    ),
  );
  return [
    ...cases,
    { method: 'layer-cam', layer: 'stages', map: 'input', ...targets[2] },
    { method: 'grad-cam', layer: 'stages', map: 'layer', target: 'top1' },
    { method: 'grad-cam', map: 'input', uint8: true, ...targets[2] },
    { method: 'grad-cam', params: { eigenSmooth: true }, map: 'layer', target: 'top1' },
  ];
}

const directions = count => Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + 1));

/** What a case is called in a table. */
export function caseName({ method, map, target, uint8, layer, params }) {
  const kind = typeof target === 'object' ? target.kind : typeof target === 'number' ? 'fixed' : target;
  return [method, kind, map, uint8 && 'uint8', layer, params && Object.keys(params)].filter(Boolean).join(' ');
}

/**
 * The maps of `explain` for images [N, …] as one tensor [N, 1, h, w].
 * @param tensor the images
 * @returns undefined where the paper enlarges several layers before it joins them, which exports at a layer's size do not
 */
export async function expectedMaps(cam, { method, params, layer, map, target, classes }, tensor) {
  const [count] = tensor.dims;
  const targets = Array.from({ length: count }, (_, n) => {
    if (target !== 'input') return target;
    return classes[n] === -1 ? 'top1' : classes[n];
  });
  const options = { method, params, layer, mapSize: map, batchSize: count };
  const answer = await cam.explain(tensor, { ...options, target: count === 1 ? targets[0] : targets });
  const explanations = count === 1 ? [answer] : answer;
  const maps = explanations.map(one => (map === 'layer' && !Array.isArray(one.layer) ? stretchedRaw(one) : one.map));
  const { width, height } = maps[0];
  if (map === 'layer' && width !== explanations[0].raw.width) return undefined;
  const data = new Float32Array(count * width * height);
  for (const [n, one] of maps.entries()) data.set(one.data, n * width * height);
  return { type: 'float32', data, dims: [count, 1, height, width], precision: explanations[0].precision };
}

/** An export at the layer's size has the raw map stretched there, also where the paper enlarges it first. */
function stretchedRaw({ raw, params }) {
  const values = params.relu === true ? raw.data.map(value => Math.max(value, 0)) : raw.data;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const even = high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high));
  return { width: raw.width, height: raw.height, data: values.map(value => (even ? 0 : (value - low) / (high - low))) };
}
