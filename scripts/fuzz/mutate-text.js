import { damageBytes, word } from './mutate-bytes.js';

const NUMBERS = [0, -0, 1, -1, 0.5, 1e-300, 1e308, 2 ** 31, 2 ** 53, 32_768, 65_536, 1e9];
const LONG = 100_000;
const STRINGS = [
  '',
  ' ',
  '../x',
  '/dev/zero',
  'C:\\x',
  '\0',
  '\x1b[2J',
  '__proto__',
  'constructor',
  'auto',
  'x',
  '\ud800',
  'labels.txt',
];
const VALUES = [
  random => random.pick(NUMBERS),
  random => random.pick(STRINGS),
  random => random.pick(STRINGS),
  random => word(random),
  () => null,
  random => random.chance(0.5),
  () => [],
  () => ({}),
  random => Array(random.pick([1, 2, 3, 5, 1000, LONG])).fill(random.pick([...NUMBERS, ...STRINGS, null])),
  () => 'x'.repeat(LONG),
  () => deep(500),
];

function deep(depth) {
  let value = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? { a: value } : [value];
  return value;
}

/** Deeper than a stack. */
function nested(random) {
  const key = random.pick(['labels', 'preprocess', 'layer', 'tokens', 'x']);
  return Buffer.from(`{"${key}":${'['.repeat(LONG)}${']'.repeat(LONG)}}`);
}

/** Every place of a value that can be changed: [holder, key]. */
function places(value, found = []) {
  if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      found.push([value, key]);
      places(value[key], found);
    }
  return found;
}

export function damageJson(text, random) {
  if (random.chance(0.25)) return damageBytes(text, random);
  if (random.chance(0.04)) return [nested(random), 'nested'];
  const value = JSON.parse(text);
  const count = 1 + random.below(2);
  for (let i = 0; i < count; i++) {
    const [holder, key] = random.pick(places(value)) ?? [value, 'labels'];
    if (random.chance(0.15)) delete holder[key];
    else if (random.chance(0.1)) holder[random.pick(STRINGS)] = random.pick(VALUES)(random);
    else holder[key] = random.pick(VALUES)(random);
  }
  return [Buffer.from(JSON.stringify(value)), 'value'];
}

const LINES = [
  random => Buffer.from('\n'.repeat(random.pick([1, 1000, LONG]))),
  random => Buffer.from('same, Same\n'.repeat(random.pick([5, 1000, 20_000]))),
  () => Buffer.from('x'.repeat(2e6)),
  () => Buffer.from('\ufefffirst\r\nsecond\rthird\u2028fourth\0\n'),
  random => Buffer.from(Array.from({ length: 300 }, () => random.below(256))),
  () => Buffer.from(','.repeat(LONG)),
];

export function damageLabels(text, random) {
  if (random.chance(0.5)) return damageBytes(text, random);
  const [at, added] = [random.below(text.length), random.pick(LINES)(random)];
  return [Buffer.concat([text.subarray(0, at), added, text.subarray(at)]), 'lines'];
}

const DIMS = [
  '-1',
  '0',
  '1',
  '3',
  '16',
  '1e3',
  '4294967296',
  '9007199254740993',
  '1 2',
  '',
  '3.5',
  'x',
  '99999999999999999999',
];

export function damageNpy(npy, random) {
  if (random.chance(0.4)) return damageBytes(npy, random);
  const length = npy.readUInt16LE(8);
  const text = npy.toString('latin1', 10, 10 + length);
  const changes = [
    () => text.replace(/\([^)]*\)/, `(${Array.from({ length: random.below(6) }, () => random.pick(DIMS)).join(', ')})`),
    () => text.replace('<f4', random.pick(['>f4', '<f8', '<f2', '|u1', '', '<f', '|O', "<f4'", '<f4 '])),
    () => text.replace('False', random.pick(['True', 'false', '0', ''])),
    () => text.replace(random.pick(["'descr'", "'shape'", "'fortran_order'", ':', '{', '}', '(']), ''),
    () => text + ' '.repeat(random.pick([1, 100, 60_000])),
    () => text.repeat(random.pick([2, 3])),
  ];
  const header = Buffer.from(random.pick(changes)(), 'latin1').subarray(0, 65_535);
  const head = Buffer.from(npy.subarray(0, 10));
  head.writeUInt16LE(random.chance(0.1) ? word(random, 2) : header.length, 8);
  if (random.chance(0.1)) head[6] = random.below(256);
  return [Buffer.concat([head, header, npy.subarray(10 + length)]), 'header'];
}

const MARKUP = [
  random => [/width="\d+"/, `width="${random.pick(['0', '-1', '1e9', '99999', '1%', '1000000000000', 'x'])}"`],
  random => [/height="\d+"/, `height="${random.pick(['0', '2000', '1e38', '100000'])}"`],
  () => [
    '<svg',
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><svg',
  ],
  () => ['</svg>', '<text>&c;</text></svg>'],
  () => ['</svg>', '<image href="file:///etc/passwd" width="9" height="9"/></svg>'],
  random => ['</svg>', `${'<g>'.repeat(random.pick([10, 2000, LONG]))}</svg>`],
  random => ['<rect', `<rect filter="url(#f)" transform="scale(${random.pick(['0', '1e9', '1e308', 'x'])})"`],
  () => ['</svg>', '<g id="a"><use href="#a"/><use href="#a"/></g></svg>'],
  () => ['</svg>', '<filter id="f"><feGaussianBlur stdDeviation="100000"/></filter></svg>'],
];

export function damageSvg(svg, random) {
  if (random.chance(0.3)) return damageBytes(svg, random);
  let text = svg.toString();
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i++) text = text.replace(...random.pick(MARKUP)(random));
  return [Buffer.from(text), 'markup'];
}
