import { damageBytes, damageParts, word } from './mutate-bytes.js';

function parse(webp) {
  const chunks = [];
  for (let at = 12; at + 8 <= webp.length; ) {
    const length = webp.readUInt32LE(at + 4);
    chunks.push({ type: webp.toString('latin1', at, at + 4), data: webp.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

function serialize(chunks, random) {
  const parts = chunks.map(({ type, data }) => {
    const bytes = Buffer.alloc(8 + data.length + (data.length % 2));
    bytes.write(type, 0, 'latin1');
    bytes.writeUInt32LE(random.chance(0.03) ? word(random) : data.length, 4);
    data.copy(bytes, 8);
    return bytes;
  });
  const content = Buffer.concat(parts);
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  head.writeUInt32LE(random.chance(0.03) ? word(random) : content.length + 4, 4);
  return Buffer.concat([head, content]);
}

const DAMAGES = {
  drop: (chunks, random) => chunks.splice(random.below(chunks.length), 1),
  double(chunks, random) {
    const [at, chunk] = [random.below(chunks.length), random.pick(chunks)];
    chunks.splice(at, 0, ...Array(random.pick([1, 1, 100, 3000])).fill(chunk));
  },
  swap(chunks, random) {
    const [a, b] = [random.below(chunks.length), random.below(chunks.length)];
    [chunks[a], chunks[b]] = [chunks[b], chunks[a]];
  },
  rename(chunks, random) {
    const at = random.below(chunks.length);
    chunks[at] = {
      ...chunks[at],
      type: random.pick(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP', 'EXIF', 'XMP ', 'none']),
    };
  },
  /** Flags, sizes of canvas and frames, the head of the coded data. */
  head(chunks, random) {
    const at = random.below(chunks.length);
    const data = Buffer.from(chunks[at].data);
    data.writeUIntLE(word(random, 3), random.below(Math.min(14, data.length - 2)), 3);
    chunks[at] = { ...chunks[at], data };
  },
  content(chunks, random) {
    const at = random.below(chunks.length);
    chunks[at] = { ...chunks[at], data: damageBytes(chunks[at].data, random)[0] };
  },
  extend(chunks, random) {
    const data = Buffer.alloc(10);
    data[0] = random.below(256);
    data.writeUIntLE(random.pick([0, 1, 999, 1999, 16_383, 2 ** 24 - 1]), 4, 3);
    data.writeUIntLE(random.pick([0, 1, 999, 1999, 16_383, 2 ** 24 - 1]), 7, 3);
    chunks.unshift({ type: 'VP8X', data });
  },
};

export function damageWebp(webp, random) {
  const chunks = parse(webp);
  const done = damageParts(chunks, DAMAGES, random);
  return [serialize(chunks, random), done];
}
