import { word } from './mutate-bytes.js';

/** Sizes, depth, compression, colours, strips, samples, planes, tiles, sub-images, sample format, orientation, JPEG tables. */
const TAGS = [
  256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 332, 338, 339, 347, 530,
  34_665, 34_675,
];
/** None, CCITT, LZW, JPEG, deflate, PackBits, old ones, LERC, WebP, ZSTD. */
const COMPRESSIONS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 32_773, 32_946, 34_676, 34_887, 34_925, 50_000, 50_001, 65_535];

/** Offsets of the directories of a little-endian file, with the numbers of their entries. */
function directories(tiff) {
  const found = [];
  for (let at = tiff.readUInt32LE(4); at > 0 && at + 2 <= tiff.length && found.length < 8; ) {
    const count = tiff.readUInt16LE(at);
    const next = at + 2 + 12 * count;
    if (next + 4 > tiff.length) break;
    found.push({ at, count, next });
    at = tiff.readUInt32LE(next);
  }
  return found;
}

const DAMAGES = {
  tag: (tiff, entry, random) => tiff.writeUInt16LE(random.pick(TAGS), entry),
  type: (tiff, entry, random) => tiff.writeUInt16LE(random.below(20), entry + 2),
  count: (tiff, entry, random) => tiff.writeUInt32LE(word(random), entry + 4),
  value(tiff, entry, random) {
    const tag = tiff.readUInt16LE(entry);
    const values = tag === 259 ? COMPRESSIONS : [1, 2, 3, 8, 12, 16, 24, 32, 64, 1000, 2000, 60_000, word(random)];
    tiff.writeUInt32LE(random.pick(values), entry + 8);
  },
  /** Directories that follow themselves, or lead anywhere. */
  next: (tiff, _entry, random, { at, next }) => tiff.writeUInt32LE(random.pick([0, at, next, 8, word(random)]), next),
  entries: (tiff, _entry, random, { at }) => tiff.writeUInt16LE(word(random, 2), at),
  first: (tiff, _entry, random) => tiff.writeUInt32LE(word(random), 4),
  kind: (tiff, _entry, random) => tiff.writeUInt16LE(random.pick([42, 43, 0]), 2),
};

export function damageTiff(original, random) {
  const tiff = Buffer.from(original);
  const done = [];
  const found = directories(tiff);
  const count = 1 + random.below(4);
  for (let i = 0; i < count && found.length > 0; i++) {
    const directory = random.pick(found);
    const entry = directory.at + 2 + 12 * random.below(directory.count);
    const how = random.weighted([
      [2, 'tag'],
      [2, 'type'],
      [3, 'count'],
      [8, 'value'],
      [1, 'next'],
      [1, 'entries'],
      [0.3, 'first'],
      [0.3, 'kind'],
    ]);
    DAMAGES[how](tiff, entry, random, directory);
    done.push(how);
  }
  return [tiff, done.join('+')];
}
