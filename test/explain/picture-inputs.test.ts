import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { TENSOR_ARRAYS, type Tensor, type TensorType } from '../../lib/engine/tensor.ts';
import { openPicture } from '../../lib/image/decode.ts';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { codeOfType, numberToHalf } from '../../lib/model/graph/tensor-values.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one, plainModel, plainSpec } from '../helpers/explain-models.ts';
import { buildModel, int64, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();

const METHODS = ['grad-cam', 'score-cam', 'rise', 'guided-backprop', 'guided-grad-cam', 'fullgrad', 'opti-cam'];
const PARAMS = { rise: { n: 50 } };
/** Masks go to black, which is 0 in the values of all of these models. */
const RAW = { preprocess: 'raw' } as const;

/** Nodes before the network that make its float input `x`, a picture [N,3,16,16] of 0..255, out of `image`. */
interface Front {
  readonly dims: readonly (number | string)[];
  readonly type?: TensorType;
  readonly nodes: readonly GraphNode[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
}

function modelWith({ dims, type, nodes, weights }: Front, channels = 3): Uint8Array {
  const spec = plainSpec({ channels });
  const scaled = makeNode('Div', ['pixels', 'c255'], ['x']);
  return buildModel({
    ...spec,
    nodes: [...nodes, scaled, ...spec.nodes],
    inputs: [{ name: 'image', type, dims }],
    initializers: { ...spec.initializers, ...weights, c255: { dims: [1], data: [255] } },
  });
}

const cast = (from: string, to: string, type: TensorType = 'float32') =>
  makeNode('Cast', [from], [to], { to: codeOfType(type) });
const plain = modelWith({ dims: ['N', 3, 16, 16], nodes: [makeNode('Identity', ['image'], ['pixels'])] });

/** Whole numbers that every type holds. */
const pixels = Float32Array.from({ length: 2 * 3 * 256 }, (_, i) => (i * 37) % 113);
const PICTURES: Tensor<'float32'> = { type: 'float32', data: pixels, dims: [2, 3, 16, 16] };

function ofType(type: TensorType, { data, dims }: Tensor<'float32'>): Tensor {
  const bits = type === 'float16' ? Array.from(data, numberToHalf) : Array.from(data);
  const values = type === 'int64' ? bits.map(BigInt) : bits;
  return { type, data: (TENSOR_ARRAYS[type] as typeof Uint8Array).from(values as number[]), dims } as Tensor;
}

/** [N,C,H,W] → [N,H,W,C] */
function channelsLast({ data, dims }: Tensor<'float32'>): Tensor<'float32'> {
  const [n, c, h, w] = dims as [number, number, number, number];
  const moved = new Float32Array(data.length);
  for (let i = 0; i < n * h * w; i++)
    for (let k = 0; k < c; k++) moved[i * c + k] = data[(Math.floor(i / (h * w)) * c + k) * h * w + (i % (h * w))]!;
  return { type: 'float32', data: moved, dims: [n, h, w, c] };
}

const nth = (tensor: Tensor<'float32'>, n: number): Tensor<'float32'> => {
  const size = tensor.data.length / tensor.dims[0]!;
  return { type: 'float32', data: tensor.data.slice(n * size, (n + 1) * size), dims: tensor.dims.slice(1) };
};

async function expectSame(
  model: Uint8Array,
  input: Tensor,
  reference: Uint8Array,
  floats: Tensor<'float32'>,
  tol = 1e-5,
) {
  const [a, b] = [await open(model, RAW), await open(reference, RAW)];
  let ok = 0;
  for (const method of METHODS) {
    const options = { method, target: 1, params: PARAMS[method as never] };
    const got = flat(await a.explain(input, options));
    const expected = flat(await b.explain(floats, options));
    expect(got.length).toBe(expected.length);
    got.forEach((result, i) => {
      expect(result.status, method).toBe(expected[i]!.status);
      ok += Number(result.status === 'ok');
      expectClose(result.raw.data, expected[i]!.raw.data, tol);
      expect(result.target.score).toBeCloseTo(expected[i]!.target.score, 4);
    });
  }
  expect(ok).toBeGreaterThanOrEqual(METHODS.length - 1);
}

describe('types of the picture input', () => {
  it.each(['uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'float64', 'float16'] as const)(
    '%s: every method gives what it gives on floats',
    async type => {
      const model = modelWith({ dims: ['N', 3, 16, 16], type, nodes: [cast('image', 'pixels')] });
      const tol = type === 'float16' ? 2e-2 : 1e-5;
      await expectSame(model, ofType(type, PICTURES), plain, PICTURES, tol);
    },
  );

  it('bytes with their channels last, moved before they are cast', async () => {
    const nodes = [makeNode('Transpose', ['image'], ['moved'], { perm: [0, 3, 1, 2] }), cast('moved', 'pixels')];
    const model = modelWith({ dims: ['N', 16, 16, 3], type: 'uint8', nodes });
    await expectSame(model, ofType('uint8', channelsLast(PICTURES)), plain, PICTURES);
  });

  it('bytes that are computed with are rounded, not cut off', async () => {
    const nodes = [
      cast('image', 'whole', 'int32'),
      makeNode('Mul', ['whole', 'one'], ['same']),
      cast('same', 'pixels'),
    ];
    const weights = { one: { dims: [1], type: 'int32', data: [1] } } as const;
    const cam = await open(modelWith({ dims: ['N', 3, 16, 16], type: 'uint8', nodes, weights }));
    const float = await open(plain);
    const image = { ...PICTURES, data: pixels.slice(0, 768), dims: [1, 3, 16, 16] };
    for (const method of ['grad-cam', 'rise', 'score-cam']) {
      const options = { method, target: 1, params: method === 'rise' ? { n: 500 } : {} };
      const [got, expected] = [
        one(await cam.explain(ofType('uint8', image), options)),
        one(await float.explain(image, options)),
      ];
      const largest = Math.max(...expected.raw.data.map(Math.abs));
      expect(Math.max(...got.raw.data.map((v, i) => Math.abs(v - expected.raw.data[i]!))) / largest).toBeLessThan(0.01);
    }
    await expectError(() => cam.explain(image, { method: 'guided-backprop' }), 'ERR_NO_GRADIENT');
  });

  it('floats for bytes are rounded and held within them, as pictures of 16 bits are', async () => {
    const cam = await open(modelWith({ dims: ['N', 3, 16, 16], type: 'uint8', nodes: [cast('image', 'pixels')] }));
    const image = { ...PICTURES, data: pixels.slice(0, 768), dims: [1, 3, 16, 16] };
    const off = { ...image, data: image.data.map((v, i) => (v === 0 ? -3 : v + (i % 2 ? 0.3 : -0.4))) };
    const [whole, fractions] = [one(await cam.explain(image)), one(await cam.explain(off))];
    expect(fractions.raw.data).toEqual(whole.raw.data);
    const info = { width: 16, height: 16, channels: 3 } as const;
    const bytes = Uint8Array.from({ length: 768 }, (_, i) => (i * 7) % 255);
    const deep = await sharp(
      Uint16Array.from(bytes, v => v * 257 + 60),
      { raw: info },
    )
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const [eight, sixteen] = [one(await cam.explain({ data: bytes, info })), one(await cam.explain(deep))];
    expect(sixteen.raw.data).toEqual(eight.raw.data);
    expect(sixteen.preprocess!.scale).toBeCloseTo(255 / 65_535, 8);
  });

  describe('pictures', () => {
    const info = { width: 16, height: 16, channels: 3 } as const;
    const bytes = Uint8Array.from({ length: 768 }, (_, i) => (i * 7) % 256);
    const deep = { data: Uint16Array.from(bytes, v => v * 257), info };
    const of = (type: TensorType) => modelWith({ dims: ['N', 3, 16, 16], type, nodes: [cast('image', 'pixels')] });
    const scoreOf = async (model: Uint8Array, image: never, options = {}) => {
      const { target, warnings } = one(await (await open(model, options)).explain(image, { target: 1 }));
      return { score: target.score, warnings };
    };
    const floats = (move: (value: number) => number): Tensor<'float32'> => {
      const planes = Float32Array.from({ length: 768 }, (_, i) => move(bytes[3 * (i % 256) + Math.floor(i / 256)]!));
      return { type: 'float32', data: planes, dims: [1, 3, 16, 16] };
    };

    it.each([8, 16])('int8 gets pixels of %d bits less 128, and results say so', async bits => {
      const expected = await scoreOf(of('int8'), floats(value => value - 128) as never);
      const got = await scoreOf(of('int8'), (bits === 8 ? { data: bytes, info } : deep) as never);
      expect(got.score).toBeCloseTo(expected.score, 5);
      expect(got.warnings).toEqual([expect.stringContaining('less 128')]);
    });

    it('values that the input cannot hold are told', async () => {
      const cut = await scoreOf(of('int8'), { data: bytes, info } as never, RAW);
      expect(cut.warnings).toEqual([expect.stringMatching(/^4\d\.?\d? % of the picture's values do not fit .*int8/)]);
      const rounded = await scoreOf(of('uint8'), { data: bytes, info } as never, { preprocess: 'unit' });
      expect(rounded.warnings.join()).toContain('lost nearly everything in rounding');
      expect((await scoreOf(undivided('int16'), deep as never)).warnings.join()).toContain('do not fit');
      for (const type of ['uint8', 'uint16', 'int16', 'int32', 'int64'] as const)
        expect((await scoreOf(of(type), { data: bytes, info } as never)).warnings).toEqual([]);
    });

    it('16 bits go into wider whole numbers as they are unless something says 0..255', async () => {
      const expected = await scoreOf(of('int32'), { data: bytes, info } as never);
      const plain = await scoreOf(undivided('int32'), deep as never);
      expect(plain.warnings).toEqual([expect.stringMatching(/go in as they are.*preset 'raw'/)]);
      expect(plain.score).toBeCloseTo(
        (await scoreOf(undivided('int32'), floats(value => value * 257) as never)).score,
        3,
      );
      expect((await scoreOf(of('int32'), deep as never, RAW)).score).toBeCloseTo(expected.score, 4);
      // It divides by 255 itself.
      const divided = await scoreOf(of('int32'), deep as never);
      expect(divided.score).toBeCloseTo(expected.score, 4);
      expect(divided.warnings).toEqual([]);
    });

    const undivided = (type: TensorType) => {
      const spec = plainSpec();
      const nodes = [cast('image', 'x'), ...spec.nodes];
      return buildModel({ ...spec, nodes, inputs: [{ name: 'image', type, dims: ['N', 3, 16, 16] }] });
    };
  });

  it('another type is refused', async () => {
    const cam = await open(modelWith({ dims: ['N', 3, 16, 16], type: 'uint8', nodes: [cast('image', 'pixels')] }));
    await expectError(
      () => cam.explain(ofType('int8', PICTURES)),
      'ERR_INPUT_SHAPE',
      'takes uint8 (or float32)',
      'int8',
    );
    await expectError(
      () => cam.explain({ ...PICTURES, data: new Uint8Array(1536) } as never),
      'ERR_INPUT_SHAPE',
      'Float32Array',
    );
  });
});

describe('inputs of three axes', () => {
  const zero = { zero: int64(0), one: int64(1) };
  const image = nth(PICTURES, 1);
  const alone = { ...image, dims: [1, ...image.dims] };
  const last = nth(channelsLast(PICTURES), 1);

  it('[3,h,w]', async () => {
    const nodes = [makeNode('Unsqueeze', ['image', 'zero'], ['pixels'])];
    await expectSame(modelWith({ dims: [3, 16, 16], nodes, weights: zero }), image, plain, alone);
  });

  it('[3,h,w] of bytes, and with a batch of 1 in front', async () => {
    const nodes = [cast('image', 'floats'), makeNode('Unsqueeze', ['floats', 'zero'], ['pixels'])];
    const model = modelWith({ dims: [3, 16, 16], type: 'uint8', nodes, weights: zero });
    await expectSame(model, ofType('uint8', image), plain, alone);
    await expectSame(model, ofType('uint8', alone), plain, alone);
  });

  it.each([['h', 'w', 3] as const, [16, 16, 3] as const, ['h', 'w', 'c'] as const])('[%s,%s,%s]', async (...dims) => {
    const nodes = [
      makeNode('Transpose', ['image'], ['moved'], { perm: [2, 0, 1] }),
      makeNode('Unsqueeze', ['moved', 'zero'], ['pixels']),
    ];
    await expectSame(modelWith({ dims, nodes, weights: zero }), last, plain, alone);
  });

  it.each([['N', 16, 16] as const, ['N', 'h', 'w'] as const])('[%s,%s,%s] of grey pictures', async (...dims) => {
    const nodes = [makeNode('Unsqueeze', ['image', 'one'], ['pixels'])];
    const grey = { ...PICTURES, data: pixels.slice(0, 512), dims: [2, 16, 16] };
    const reference = modelWith({ dims: ['N', 1, 16, 16], nodes: [makeNode('Identity', ['image'], ['pixels'])] }, 1);
    await expectSame(modelWith({ dims, nodes, weights: zero }, 1), grey, reference, { ...grey, dims: [2, 1, 16, 16] });
  });
});

describe('pictures of more than 8 bits', () => {
  const kind = (name: string) => fileURLToPath(new URL(`../golden/decode/kinds/${name}`, import.meta.url));

  it.each([
    [
      'f32.tif',
      [-1000, 1000],
      /float picture's values go from -[\d.]+ to [\d.]+ and were taken as they are; preprocess.range/,
    ],
    ['u12.tif', [0, 4095], /16-bit picture's values go from .*look dark to the model; preprocess.range/],
  ] as const)('%s: values that do not fit are told, a range settles it', async (name, range, says) => {
    const plain = one(await (await open(plainModel())).explain(kind(name)));
    expect(plain.warnings.join()).toMatch(says);
    const ranged = one(await (await open(plainModel(), { preprocess: { range } })).explain(kind(name)));
    expect(ranged.warnings).toEqual([]);
    expect(ranged.preprocess).toMatchObject({ range });
  });

  it('1/255 that was given is told, the whole range of 16 bits is not', async () => {
    const given = one(await (await open(plainModel(), { preprocess: { scale: 1 / 255 } })).explain(kind('u16.png')));
    expect(given.warnings.join()).toContain('meant for 8 bits');
    const plain = one(await (await open(plainModel(), { preprocess: 'imagenet' })).explain(kind('u16.png')));
    expect(plain.warnings).toEqual([]);
    expect(plain.preprocess!.scale).toBeCloseTo(1 / 65_535, 10);
  });

  it('values that are no numbers are told', async () => {
    const data = Float32Array.from({ length: 48 }, (_, i) => i / 48);
    data[5] = Number.NaN;
    const cam = await open(plainModel(), { preprocess: 'unit' });
    const { warnings, status } = one(await cam.explain({ data, info: { width: 4, height: 4, channels: 3 } }));
    expect(status).toBe('not-finite');
    expect(warnings).toEqual([expect.stringMatching(/^[\d.]+ % of the picture's values are NaN or infinite/)]);
  });

  it('are shown from their least to their largest value', async () => {
    const { overlay } = await renderers(kind('f32.tif'));
    const { data } = await sharp(await overlay())
      .raw()
      .toBuffer({ resolveWithObject: true });
    const grey = Array.from({ length: data.length / 3 }, (_, i) => data[3 * i]!);
    expect(Math.min(...grey)).toBeLessThan(20);
    expect(Math.max(...grey)).toBeGreaterThan(235);
    // Neither black nor white where values were beyond what bytes hold.
    expect(grey.filter(v => v > 20 && v < 235).length).toBeGreaterThan(grey.length / 2);
  });

  async function renderers(path: string) {
    const result = one(await (await open(plainModel())).explain(path));
    return { overlay: () => result.toBuffer({ alpha: 0, format: 'png' } as never) };
  }

  it('signed 16 bits keep values below 0', async () => {
    const values = Int16Array.from({ length: 64 }, (_, i) => i * 900 - 30_000);
    const opened = await openPicture(tiff(8, 8, values, 2));
    const { data } = await opened.decodeDeep(opened.depth!);
    expect(Array.from(values, (_, i) => data[3 * i]! - opened.depth!.zero)).toEqual(Array.from(values));
    const cam = await open(plainModel(), { preprocess: { range: [-30_000, 26_700] } });
    expect(one(await cam.explain(tiff(8, 8, values, 2))).warnings).toEqual([]);
  });
});

/** One uncompressed grey strip; `format` 1 is unsigned, 2 signed, 3 floats. */
function tiff(width: number, height: number, values: Int16Array | Uint16Array | Float32Array, format: number): Buffer {
  const entries = [
    [256, width],
    [257, height],
    [258, 8 * values.BYTES_PER_ELEMENT],
    [259, 1],
    [262, 1],
    [273, 8 + 2 + 12 * 10 + 4],
    [277, 1],
    [278, height],
    [279, values.byteLength],
    [339, format],
  ];
  const head = Buffer.alloc(8 + 2 + 12 * entries.length + 4);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, value], i) => {
    head.writeUInt16LE(tag!, 10 + 12 * i);
    head.writeUInt16LE(4, 12 + 12 * i);
    head.writeUInt32LE(1, 14 + 12 * i);
    head.writeUInt32LE(value!, 18 + 12 * i);
  });
  return Buffer.concat([head, new Uint8Array(values.buffer)]);
}
