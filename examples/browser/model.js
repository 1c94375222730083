/** The exported model in this browser: nothing leaves the page. */
import * as ort from 'onnxruntime-web/wasm';

ort.env.wasm.wasmPaths = new URL('node_modules/onnxruntime-web/dist/', import.meta.url).href;

/**
 * Opens a model that `onnx-cam export --preprocess --map input --uint8` wrote.
 * @returns a function from pixels, RGBA of any size, to the probability of each class and the map, 0 to 255
 */
export async function openModel(url) {
  const session = await ort.InferenceSession.create(url, { executionProviders: ['wasm'] });
  const [input] = session.inputNames;
  const [scores] = session.outputNames;
  return async ({ data, width, height }) => {
    const rgb = new Uint8Array(3 * width * height);
    for (let i = 0, j = 0; i < data.length; i += 4) {
      rgb[j++] = data[i];
      rgb[j++] = data[i + 1];
      rgb[j++] = data[i + 2];
    }
    const results = await session.run({ [input]: new ort.Tensor('uint8', rgb, [1, height, width, 3]) });
    const [, , rows, columns] = results.saliency_map.dims;
    const map = { data: results.saliency_map.data, width: columns, height: rows };
    return { probabilities: softmax(results[scores].data), map };
  };
}

function softmax(logits) {
  const largest = logits.reduce((most, logit) => Math.max(most, logit));
  const powers = Array.from(logits, logit => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map(power => power / sum);
}
