import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pictureTensor } from '../../bench/support/picture-tensor.js';
import { seededRandom } from '../../bench/support/random.js';
import { Session } from '../../build/modules/engine/session.js';
import { load } from '../../build/modules/index.js';
import { parseModel } from '../../build/modules/model/file/parse-model.js';
import { describeValue } from '../../build/modules/model/graph/value-info.js';
import { casesOf, expectedMaps } from './cases.js';

/** Of pictures for models that take any size: the one that they are loaded with, and another for those whose export takes it. */
const SIZES = [
  [96, 96],
  [128, 160],
];

/** How much a picture's values are changed: by as much as rounding adds up to in a few layers, of half precision in its last bit. */
const ROUNDING = { fp32: 2 ** -20, tf32: 2 ** -20, fp16: 2 ** -11 };

/**
 * A model of which exports are tried.
 * @param folder for exports, images and maps
 */
export async function openSubject(path, folder) {
  const name = basename(path, '.onnx');
  const { inputs } = parseModel(readFileSync(path));
  const { dims } = describeValue(inputs[0]);
  const open = dims.slice(2).some(dim => typeof dim !== 'number');
  const [height, width] = open ? SIZES[0] : dims.slice(2);
  const cam = await load(path, open ? { preprocess: { size: [width, height] } } : {});
  const answer = await plainAnswer(path, describeValue(inputs[0]).name, [
    typeof dims[0] === 'number' ? dims[0] : 1,
    height,
    width,
  ]);
  const file = (label, data) => {
    const to = join(folder, label);
    writeFileSync(to, data);
    return to;
  };
  const fed = (label, { type, data, dims }) => ({ file: file(label, data), type, dims });

  let made = 0;

  return {
    name,
    cases: all => casesOf({ name, outputDims: answer.dims }, all),

    /** What judges are asked: the export, and images with the maps that `explain` gives for them. */
    async request(one) {
      const { classes: given, ...options } = one;
      let exported;
      try {
        exported = await cam.export(options);
      } catch (error) {
        return { refusal: `${error.code} ${error.message}` };
      }
      const graph = parseModel(exported);
      const declared = describeValue(graph.inputs[0]);
      const counts = typeof declared.dims[0] === 'number' ? [declared.dims[0]] : [1, 3];
      const sizes = declared.dims.slice(2).every(dim => typeof dim === 'number') ? [[height, width]] : SIZES;
      const cases = [];
      const tried = [];
      for (const [i, [count, size]] of counts.flatMap(count => sizes.map(size => [count, size])).entries()) {
        const images = pictureTensor(count, ...size);
        const maps = await expectedMaps(cam, one, images);
        if (!maps) return { refusal: 'no map of explain at the size of a layer: it enlarges several layers first' };
        tried.push({ images, maps });
        const picked = given && {
          type: 'int64',
          data: BigInt64Array.from(given.slice(0, count), BigInt),
          dims: [count],
        };
        cases.push({
          feeds: {
            [declared.name]: fed(`images-${i}`, images),
            ...(picked && { cam_class: fed(`classes-${i}`, picked) }),
          },
          expected: fed(`maps-${i}`, maps),
        });
      }
      return {
        tried,
        request: {
          model: file(`${name}-export-${++made}.onnx`, exported),
          plain: path,
          batch: typeof dims[0] === 'number' ? dims[0] : null,
          answer: fed('answer', answer),
          type: one.uint8 ? 'uint8' : 'float32',
          cases,
        },
      };
    },

    /** By how much the maps of `explain` of a request's case differ at most for images that are changed by rounding errors. */
    async moved(one, { images, maps }) {
      let most = 0;
      for (const seed of [1, 2, 3]) {
        const random = seededRandom(seed);
        const bit = ROUNDING[maps.precision];
        const data = images.data.map(value => value * (1 + bit * Math.sign(random() - 0.5)));
        const after = await expectedMaps(cam, one, { ...images, data });
        for (const [i, value] of maps.data.entries()) most = Math.max(most, Math.abs(value - after.data[i]));
      }
      return most;
    },

    /** The export that a request is about is no more needed. */
    done: ({ model }) => rmSync(model),

    close: () => cam.dispose(),
  };
}

/** The first output of the plain model for the first picture, as this package's engine computes it. */
async function plainAnswer(path, input, [count, ...size]) {
  const session = await Session.create(new Uint8Array(readFileSync(path)), {});
  const [{ name }] = session.outputs;
  const { [name]: output } = await session.run({ [input]: pictureTensor(count, ...size) }, [name]);
  await session.dispose();
  const { type, data, dims } = output;
  return { type, data: data.slice(0, data.length / count), dims: [1, ...dims.slice(1)] };
}
