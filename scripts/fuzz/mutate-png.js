import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { damageBytes, damageParts, word } from './mutate-bytes.js';

const SIGNATURE = 8;

/** @returns {{ type: string, data: Buffer }[]} */
function parse(png) {
  const chunks = [];
  for (let at = SIGNATURE; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function serialize(png, chunks, random) {
  const parts = chunks.map(({ type, data }) => {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(random.chance(0.02) ? word(random) : data.length, 0);
    bytes.write(type, 4, 'latin1');
    data.copy(bytes, 8);
    const sum = crc32(bytes.subarray(4, 8 + data.length));
    bytes.writeUInt32BE(random.chance(0.02) ? word(random) : sum, 8 + data.length);
    return bytes;
  });
  return Buffer.concat([png.subarray(0, SIGNATURE), ...parts]);
}

const text = (keyword, ...rest) => Buffer.concat([Buffer.from(`${keyword}\0`), ...rest]);
/** Two kilobytes that become two hundred megabytes. */
const BOMB = deflateSync(Buffer.alloc(2e6));
const EXTRA = [
  random => ({ type: 'zTXt', data: text('a', Buffer.of(0), random.chance(0.5) ? BOMB : Buffer.of(1, 2, 3)) }),
  random => ({ type: 'iCCP', data: text('a', Buffer.of(0), random.chance(0.5) ? BOMB : Buffer.of(1, 2, 3)) }),
  random => ({ type: 'tEXt', data: text('a', Buffer.alloc(random.below(5000), 'x')) }),
  random => ({ type: 'iTXt', data: text('a', Buffer.of(1, 0, 0, 0), BOMB.subarray(random.below(9))) }),
  random => ({
    type: 'eXIf',
    data: Buffer.from(
      `4949${'2a00080000000100120103000100000009000000'}${random.below(256).toString(16).padStart(2, '0')}`,
      'hex',
    ),
  }),
  random => ({
    type: random.pick(['tRNS', 'gAMA', 'cHRM', 'sBIT', 'PLTE', 'pHYs', 'acTL', 'fcTL', 'bKGD']),
    data: Buffer.alloc(random.below(900), random.below(256)),
  }),
];

/** Field of the header to its place and bytes. */
const HEADER = {
  width: [0, 4],
  height: [4, 4],
  depth: [8, 1],
  colour: [9, 1],
  compression: [10, 1],
  filter: [11, 1],
  interlace: [12, 1],
};

const DAMAGES = {
  drop: (chunks, random) => chunks.splice(random.below(chunks.length), 1),
  double: (chunks, random) => chunks.splice(random.below(chunks.length), 0, random.pick(chunks)),
  swap(chunks, random) {
    const [a, b] = [random.below(chunks.length), random.below(chunks.length)];
    [chunks[a], chunks[b]] = [chunks[b], chunks[a]];
  },
  rename: (chunks, random) => {
    const at = random.below(chunks.length);
    chunks[at] = { ...chunks[at], type: random.pick(['IHDR', 'IDAT', 'IEND', 'PLTE', 'abcd', 'ABCD', '\0\0\0\0']) };
  },
  header(chunks, random) {
    const data = Buffer.from(chunks[0].data);
    const field = random.pick(Object.keys(HEADER));
    const [at, bytes] = HEADER[field];
    const size = random.pick([1, 2, 1000, 2000, 20_000, word(random)]);
    const value = bytes === 4 ? size : random.pick([0, 1, 2, 3, 4, 6, 8, 16, 255]);
    data.writeUIntBE(value, at, bytes);
    chunks[0] = { type: 'IHDR', data };
  },
  content(chunks, random) {
    const at = random.below(chunks.length);
    if (chunks[at].data.length > 0) chunks[at] = { ...chunks[at], data: damageBytes(chunks[at].data, random)[0] };
  },
  add: (chunks, random) => chunks.splice(1 + random.below(chunks.length - 1), 0, random.pick(EXTRA)(random)),
  pixels(chunks, random) {
    const at = chunks.findIndex(({ type }) => type === 'IDAT');
    if (at < 0) return;
    const raw = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
    const damaged = random.chance(0.1) ? Buffer.alloc(5e6) : damageBytes(raw, random)[0];
    const others = chunks.filter(({ type }) => type !== 'IDAT');
    others.splice(at, 0, { type: 'IDAT', data: deflateSync(damaged) });
    chunks.splice(0, chunks.length, ...others);
  },
};

export function damagePng(png, random) {
  const chunks = parse(png);
  const done = damageParts(chunks, DAMAGES, random);
  return [serialize(png, chunks, random), done];
}
