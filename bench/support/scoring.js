import sharp from 'sharp';
import { Session } from '../../build/modules/engine/session.js';
import { serializeModel } from '../../build/modules/model/file/serialize-model.js';
import { parseModel } from '../../build/modules/model/file/parse-model.js';
import { expose } from '../../build/modules/model/graph/expose.js';

/** A picture as the peers feed it: 224 × 224, (pixel − 127) / 128, [1,3,224,224]. */
export async function peerTensor(path, size = 224) {
  const { data } = await sharp(path)
    .resize(size, size, { fit: 'fill', kernel: 'linear' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const values = new Float32Array(3 * size * size);
  for (let p = 0; p < size * size; p++)
    for (let c = 0; c < 3; c++) values[c * size * size + p] = (data[p * 3 + c] - 127) / 128;
  return { type: 'float32', data: values, dims: [1, 3, size, size] };
}

/** Bytes of a model with one more output, the layer's activations. */
export function withLayerOutput(bytes, layer) {
  const graph = parseModel(bytes);
  const name = expose(graph, layer);
  const { model, externalFiles } = serializeModel(graph);
  return { model, externalFiles, name };
}

/** Plain forward passes: `count` images in batches of `chunk`, `parallel` runs at once on one session. */
export async function forwardPasses(session, image, count, { chunk, parallel }) {
  const [input, output] = [session.inputs[0].name, session.outputs[0].name];
  const size = image.data.length;
  const data = new Float32Array(chunk * size);
  for (let i = 0; i < chunk; i++) data.set(image.data, i * size);
  const chunks = Array.from({ length: Math.ceil(count / chunk) }, (_, i) => Math.min(chunk, count - i * chunk));
  const worker = async () => {
    for (let own = chunks.shift(); own; own = chunks.shift()) {
      const batch = { type: 'float32', data: data.subarray(0, own * size), dims: [own, ...image.dims.slice(1)] };
      await session.run({ [input]: batch }, [output]);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

export function oneThreadSession(bytes) {
  return Session.create(bytes, { intraOpNumThreads: 1 });
}

/** Score-CAM as it is written in plain JavaScript: upsample (align-corners), min-max, multiply, run, softmax, sum. */
export async function plainScoreCam(run, layer, image, target, batchSize = 16) {
  const [, channels, h, w] = layer.dims;
  const [, planes, height, width] = image.dims;
  const area = height * width;
  const scores = new Float64Array(channels);
  for (let from = 0; from < channels; from += batchSize) {
    const count = Math.min(batchSize, channels - from);
    const batch = new Float32Array(count * planes * area);
    for (let i = 0; i < count; i++) {
      const mask = plainMask(layer.data.subarray((from + i) * h * w, (from + i + 1) * h * w), h, w, height, width);
      for (let c = 0; c < planes; c++)
        for (let p = 0; p < area; p++) batch[(i * planes + c) * area + p] = image.data[c * area + p] * mask[p];
    }
    const { data, dims } = await run(batch, [count, planes, height, width]);
    for (let i = 0; i < count; i++) scores[from + i] = data[i * dims[1] + target];
  }
  const max = Math.max(...scores);
  const exps = scores.map(score => Math.exp(score - max));
  const sum = exps.reduce((total, value) => total + value, 0);
  const map = new Float32Array(h * w);
  for (let k = 0; k < channels; k++) for (let p = 0; p < h * w; p++) map[p] += (exps[k] / sum) * layer.data[k * h * w + p];
  return map;
}

/** Upsampled (align-corners) and stretched to [0, 1]. */
export function plainMask(map, h, w, height, width) {
  const mask = new Float32Array(height * width);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let y = 0; y < height; y++) {
    const sy = (y * (h - 1)) / (height - 1);
    const y0 = Math.floor(sy);
    const y1 = Math.min(y0 + 1, h - 1);
    const fy = sy - y0;
    for (let x = 0; x < width; x++) {
      const sx = (x * (w - 1)) / (width - 1);
      const x0 = Math.floor(sx);
      const x1 = Math.min(x0 + 1, w - 1);
      const fx = sx - x0;
      const top = map[y0 * w + x0] * (1 - fx) + map[y0 * w + x1] * fx;
      const bottom = map[y1 * w + x0] * (1 - fx) + map[y1 * w + x1] * fx;
      const value = top * (1 - fy) + bottom * fy;
      mask[y * width + x] = value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  const scale = 1 / (max - min + 1e-8);
  for (let i = 0; i < mask.length; i++) mask[i] = (mask[i] - min) * scale;
  return mask;
}
