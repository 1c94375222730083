/** Lengths, counts and sizes that readers get wrong. */
const WORDS = [
  0,
  1,
  2,
  3,
  7,
  8,
  127,
  128,
  255,
  256,
  32767,
  32768,
  65535,
  65536,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** A number for a field of so many bytes. */
export function word(random, bytes = 4) {
  return random.chance(0.7) ? random.pick(WORDS) % 2 ** (8 * bytes) : random.below(2 ** (8 * bytes));
}

/** Damages that know nothing of what the bytes mean. */
const DAMAGES = {
  truncate: (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  flip(bytes, random) {
    const damaged = Buffer.from(bytes);
    const count = random.chance(0.5) ? 1 : 1 + random.below(32);
    for (let i = 0; i < count && damaged.length > 0; i++) damaged[random.below(damaged.length)] ^= 1 << random.below(8);
    return damaged;
  },
  set(bytes, random) {
    const damaged = Buffer.from(bytes);
    const [at, value] = [random.below(bytes.length), random.pick([0, 1, 127, 128, 255])];
    return damaged.fill(value, at, Math.min(bytes.length, at + 1 + random.below(8)));
  },
  field(bytes, random) {
    const damaged = Buffer.from(bytes);
    if (bytes.length < 4) return damaged;
    const at = random.below(bytes.length - 3);
    if (random.chance(0.5)) damaged.writeUInt32BE(word(random), at);
    else damaged.writeUInt16LE(word(random, 2), at);
    return damaged;
  },
  remove(bytes, random) {
    const [at, length] = stretch(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  },
  repeat(bytes, random) {
    const [at, length] = stretch(bytes, random);
    const part = bytes.subarray(at, at + length);
    return Buffer.concat([bytes.subarray(0, at), ...Array(1 + random.below(20)).fill(part), bytes.subarray(at)]);
  },
  insert(bytes, random) {
    const [at] = stretch(bytes, random);
    const noise = Buffer.from(Array.from({ length: 1 + random.below(64) }, () => random.below(256)));
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
};

/** @returns the damaged bytes and what was done */
export function damageBytes(bytes, random) {
  const how = random.pick(Object.keys(DAMAGES));
  return [Buffer.from(DAMAGES[how](bytes, random)), how];
}

function stretch(bytes, random) {
  const at = random.below(bytes.length);
  return [at, random.below(Math.min(bytes.length - at, 400) + 1)];
}

/**
 * Damages a list of the parts of a file in place, up to three times.
 * @param damages by name: (parts, random) => void; may throw where an earlier damage left nothing to do
 * @returns what was done
 */
export function damageParts(parts, damages, random) {
  const done = [];
  const count = 1 + random.below(3);
  for (let i = 0; i < count && parts.length > 1; i++) {
    const how = random.pick(Object.keys(damages));
    try {
      damages[how](parts, random);
      done.push(how);
    } catch {
      done.push(`no ${how}`);
    }
  }
  return done.join('+');
}
