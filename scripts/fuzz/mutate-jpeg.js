import { damageBytes, damageParts, word } from './mutate-bytes.js';

const SOS = 0xda;

/** Marker segments; of a scan with the coded data that follows it. */
function parse(jpeg) {
  const segments = [];
  for (let at = 2; at + 4 <= jpeg.length; ) {
    const marker = jpeg[at + 1];
    if (marker === 0xd9) break;
    let end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (marker === SOS) while (end + 1 < jpeg.length && !(jpeg[end] === 0xff && isMarker(jpeg[end + 1]))) end++;
    segments.push({ marker, data: jpeg.subarray(at + 2, end) });
    at = end;
  }
  return segments;
}

const isMarker = byte => byte !== 0 && !(byte >= 0xd0 && byte <= 0xd7);

function serialize(segments) {
  const parts = segments.map(({ marker, data }) => Buffer.concat([Buffer.of(0xff, marker), data]));
  return Buffer.concat([Buffer.of(0xff, 0xd8), ...parts, Buffer.of(0xff, 0xd9)]);
}

function segment(marker, content) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length + 2);
  return { marker, data: Buffer.concat([length, content]) };
}

/** EXIF with an orientation, mostly one that there is. */
function exif(random) {
  const value = random.chance(0.6) ? 1 + random.below(8) : word(random, 2);
  const tiff = Buffer.from('4d4d002a0000000800010112000300000001000000000000000000', 'hex');
  tiff.writeUInt16BE(value, 18);
  const content = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  return segment(0xe1, random.chance(0.3) ? damageBytes(content, random)[0] : content);
}

const isFrame = ({ marker }) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

const DAMAGES = {
  drop: (segments, random) => segments.splice(random.below(segments.length), 1),
  double: (segments, random) => segments.splice(random.below(segments.length), 0, random.pick(segments)),
  swap(segments, random) {
    const [a, b] = [random.below(segments.length), random.below(segments.length)];
    [segments[a], segments[b]] = [segments[b], segments[a]];
  },
  frame(segments, random) {
    const at = segments.findIndex(isFrame);
    const data = Buffer.from(segments[at].data);
    const field = random.below(5);
    if (field < 2) data.writeUInt16BE(random.pick([0, 1, 8, 1000, 2000, 65_500, word(random, 2)]), 3 + 2 * field);
    else
      data[field === 2 ? 2 : field === 3 ? 7 : 8 + random.below(data.length - 8)] = random.pick([
        0, 1, 2, 3, 4, 12, 16, 17, 33, 68, 255,
      ]);
    segments[at] = { marker: random.chance(0.2) ? 0xc0 + random.below(16) : segments[at].marker, data };
  },
  content(segments, random) {
    const at = random.below(segments.length);
    const { marker, data } = segments[at];
    segments[at] = { marker, data: damageBytes(data, random)[0] };
  },
  length(segments, random) {
    const at = random.below(segments.length);
    const data = Buffer.from(segments[at].data);
    data.writeUInt16BE(word(random, 2), 0);
    segments[at] = { ...segments[at], data };
  },
  turn: (segments, random) => segments.splice(random.below(2), 0, exif(random)),
  add(segments, random) {
    const marker = random.pick([0xdd, 0xe0, 0xe2, 0xed, 0xee, 0xfe, 0xc4, 0xdb, 0xcc, 0xdc]);
    segments.splice(
      random.below(segments.length),
      0,
      segment(marker, Buffer.alloc(random.below(300), random.below(256))),
    );
  },
  scans(segments, random) {
    const scans = segments.filter(({ marker }) => marker === SOS);
    const count = random.pick([2, 50, 500]);
    for (let i = 0; i < count && scans.length > 0; i++) segments.push(random.pick(scans));
  },
};

export function damageJpeg(jpeg, random) {
  const segments = parse(jpeg);
  const done = damageParts(segments, DAMAGES, random);
  return [serialize(segments), done];
}
