import { damageBytes, damageParts, word } from './mutate-bytes.js';

/** Head with the global colours, then blocks: extensions and frames, each with its data. */
function parse(gif) {
  const table = flags => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(gif[10]);
  const blocks = [gif.subarray(0, at)];
  while (at < gif.length && gif[at] !== 0x3b) {
    let end = gif[at] === 0x2c ? at + 10 + table(gif[at + 9]) + 1 : at + 2;
    while (end < gif.length && gif[end] !== 0) end += 1 + gif[end];
    blocks.push(gif.subarray(at, end + 1));
    at = end + 1;
  }
  return blocks;
}

const DAMAGES = {
  drop: (blocks, random) => blocks.splice(random.below(blocks.length), 1),
  double(blocks, random) {
    const [at, block] = [1 + random.below(blocks.length - 1), random.pick(blocks)];
    blocks.splice(at, 0, ...Array(random.pick([1, 1, 100, 3000])).fill(block));
  },
  screen(blocks, random) {
    const head = Buffer.from(blocks[0]);
    head.writeUInt16LE(random.pick([0, 1, 1000, 2000, word(random, 2)]), random.pick([6, 8]));
    if (random.chance(0.3)) head[10] = random.below(256);
    blocks[0] = head;
  },
  frame(blocks, random) {
    const at = random.pick(blocks.flatMap((block, index) => (block[0] === 0x2c ? [index] : [])));
    const block = Buffer.from(blocks[at]);
    if (random.chance(0.6)) block.writeUInt16LE(word(random, 2), random.pick([1, 3, 5, 7]));
    else block[random.pick([9, 10, 11])] = random.below(256);
    blocks[at] = block;
  },
  content(blocks, random) {
    const at = random.below(blocks.length);
    blocks[at] = damageBytes(blocks[at], random)[0];
  },
  add(blocks, random) {
    const label = random.pick([0x01, 0xf9, 0xfe, 0xff, 0x77]);
    const data = Buffer.alloc(random.below(256), random.below(256));
    blocks.splice(
      1 + random.below(blocks.length),
      0,
      Buffer.concat([Buffer.of(0x21, label, data.length), data, Buffer.of(0)]),
    );
  },
};

export function damageGif(gif, random) {
  const blocks = parse(gif);
  const done = damageParts(blocks, DAMAGES, random);
  return [Buffer.concat([...blocks, random.chance(0.9) ? Buffer.of(0x3b) : Buffer.alloc(0)]), done];
}
