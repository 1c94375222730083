import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { formatNpy } from '../../build/modules/io/npy.js';

const KINDS = new URL('../../test/golden/decode/kinds/', import.meta.url);
const [WIDTH, HEIGHT] = [45, 32];
const PIXELS = Buffer.from(
  Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) => (i * i * 7 + (i >> 5)) & (i % 4 === 3 ? 255 : 127)),
);
const rgba = () => sharp(PIXELS, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });
const rgb = () => rgba().removeAlpha();
const grey = () => rgb().toColourspace('b-w');
const turned = orientation => rgb().withMetadata({ orientation });
const frames = () =>
  sharp(Buffer.concat([PIXELS, PIXELS, PIXELS]), {
    raw: { width: WIDTH, height: 3 * HEIGHT, channels: 4, pageHeight: HEIGHT },
  });
const DELAYS = { delay: [20, 20, 20], loop: 0 };

const PICTURES = {
  png: [
    () => rgb().png(),
    () => rgba().png({ progressive: true }),
    () => rgb().png({ palette: true, colours: 16 }),
    () => grey().png(),
    () => rgb().toColourspace('rgb16').png(),
    () => turned(6).withIccProfile('p3').png(),
  ],
  jpeg: [
    () => rgb().jpeg(),
    () => rgb().jpeg({ progressive: true, quality: 60 }),
    () => rgb().jpeg({ chromaSubsampling: '4:4:4', optimiseCoding: false }),
    () => grey().jpeg(),
    () => rgb().toColourspace('cmyk').jpeg(),
    () => turned(7).withIccProfile('srgb').jpeg(),
    // Large enough for a smaller scale to be decoded.
    () => rgb().resize(400, 300).jpeg(),
  ],
  webp: [
    () => rgb().webp(),
    () => rgba().webp(),
    () => rgba().webp({ lossless: true }),
    () => frames().webp(DELAYS),
    () => turned(3).webp(),
  ],
  tiff: [
    () => rgb().tiff({ compression: 'none' }),
    () => rgb().tiff({ compression: 'lzw', predictor: 'horizontal' }),
    () => rgba().tiff({ compression: 'deflate' }),
    () => rgb().tiff({ compression: 'jpeg' }),
    () => rgb().tiff({ compression: 'lzw', tile: true, tileWidth: 16, tileHeight: 16, pyramid: true }),
    () => grey().tiff({ compression: 'ccittfax4', bitdepth: 1 }),
    () => rgb().tiff({ compression: 'packbits' }),
    () => rgb().toColourspace('rgb16').tiff({ compression: 'none' }),
    () => frames().tiff({ compression: 'lzw' }),
    () => grey().toColourspace('grey16').tiff({ compression: 'deflate' }),
  ],
  gif: [() => rgb().gif(), () => rgba().gif({ colours: 8 }), () => frames().gif(DELAYS)],
  avif: [() => rgb().avif({ effort: 0 })],
};

const SVG = [
  '<svg xmlns="http://www.w3.org/2000/svg" width="45" height="32"><rect width="30" height="20" fill="red"/><text x="3" y="20">a</text></svg>',
];

const SIDECARS = [
  { labels: ['a', 'b', 'c, d', 'e'], preprocess: 'imagenet', name: 'n', layer: -1 },
  {
    labels: 'labels.txt',
    preprocess: { preset: 'unit', size: [16, 16], fit: 'crop', interpolation: 'bicubic' },
    $schema: 'x',
  },
  {
    preprocess: { mean: [0.5, 0.5, 0.5], std: [1, 1, 1], scale: 0.01, channelOrder: 'bgr', layout: 'nchw' },
    layer: ['auto'],
  },
  { input: 'x', output: 'y', layer: 'auto', tokens: { grid: [4, 4], prefix: 1 } },
];

const LABELS = ['cat\ndog\nbird, small bird\nfish\n'];

const TENSOR = { data: Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i)), dims: [1, 3, 16, 16] };

/** Pictures of kinds that sharp does not write: BMP, and TIFF of 12, 32 and floating-point bits. */
function stored(ending) {
  const names = readdirSync(KINDS).filter(name => name.endsWith(ending));
  if (names.length === 0) throw new Error(`no ${ending} in ${KINDS}`);
  return names.sort().map(name => readFileSync(new URL(name, KINDS)));
}

/** By kind, the sound files that mutants are made of. */
export async function makeSeeds() {
  const pictures = Object.entries(PICTURES).map(async ([kind, made]) => [
    kind,
    await Promise.all(made.map(make => make().toBuffer())),
  ]);
  const { tiff, ...others } = Object.fromEntries(await Promise.all(pictures));
  return {
    ...others,
    tiff: [...tiff, ...stored('.tif')],
    bmp: stored('.bmp'),
    svg: SVG.map(text => Buffer.from(text)),
    npy: [Buffer.concat(formatNpy(TENSOR)), Buffer.concat(formatNpy({ ...TENSOR, dims: [3, 16, 16] }))],
    sidecar: SIDECARS.map(value => Buffer.from(JSON.stringify(value))),
    labels: LABELS.map(text => Buffer.from(text)),
  };
}
