/** The text of docs/leaderboard.md. */

const ARROWS = { lower: '↓', higher: '↑' };
const CONTROLS = ['random', 'centre', 'constant'];
/** Metrics by which methods are ranked: they read the network's scores of changed pictures, and none is won by a map of ones alone. */
const RANKED = ['deletion', 'insertion', 'road'];

/** @returns Markdown */
export function leaderboardPage({ scored, again, cut, refused, pictures, metrics, repeated }) {
  const names = metrics.map(nameOf);
  const makers = byMaker(scored.metrics);
  const order = [...makers.keys()].sort((a, b) => rankOf(makers.get(a)) - rankOf(makers.get(b)));
  const heads = names.map(name => `${name} ${ARROWS[scored.metrics.find(({ metric }) => metric === name).direction]}`);
  const main = order.map(name => [
    shownName(name, cut),
    rankOf(makers.get(name)).toFixed(1),
    ...names.map(metric => cell(makers.get(name).get(metric), scored.images)),
  ]);
  const others = byMaker(again.metrics);
  const second = [...others.keys()].map(name => [
    shownName(name, cut),
    ...repeated.map(nameOf).map(metric => cell(others.get(name).get(metric), again.images)),
  ]);
  const wins = order
    .filter(name => !CONTROLS.includes(name))
    .map(name => [shownName(name, cut), ...RANKED.map(metric => versusRandom(scored.comparisons, metric, name))]);
  return `${[
    '# Leaderboard',
    `All methods that run on the bundled EfficientNet-Lite0 (ImageNet-1k weights), over ${scored.images} free photographs of package registries; for each photograph the class that the network puts first. Written by \`node scripts/make-leaderboard.js\`; change nothing here by hand.`,
    '## What it shows',
    ...findings({ scored, makers, order }),
    '## What it does not show',
    `One network, one layer (the automatic choice), ${scored.images} photographs that nobody drew at random: many show one large object in the middle, so that a blob in the centre is a hard rival. The intervals say how far the means would move with other photographs of the same kind, not with another network. Deletion, insertion and ROAD change pictures into ones that the network never saw; a method that scores badly may show the truth about a network that reacts badly to that. They all read the same scores, and maps of one family share their runs: ranks are no independent votes. Average drop, increase and gain are won by a map of ones (see \`constant\`), and do not count for the rank. Nothing here says whether a person is helped by a map, or whether an object is found: the photographs have no ground truth. Parameters are the defaults, but where a row names some: of those methods the defaults may score better.`,
    '## Scores',
    `Mean [95 % interval: percentile bootstrap, ${scored.provenance.bootstrap.resamples} resamples]. Sorted by the mean of the ranks in ${RANKED.join(', ')}, 1 the best of ${order.length}, controls among them. Where fewer photographs than ${scored.images} have a value the number stands beside it. Controls in italics: \`random\` noise, a blob in the \`centre\`, a \`constant\` map.`,
    table(['method', 'mean rank', ...heads], main),
    '## Against the random map',
    'On how many photographs the map is better than noise (wins : losses; ties are the rest), and whether Wilcoxon’s signed-rank test, corrected by Holm over all pairs of the metric, is below 0.05 (*). That is strict: with few photographs one loss may be enough to miss it.',
    table(['method', ...RANKED], wins),
    '## Explained again',
    `Metrics that make the map more than once, over the first ${again.images} of the photographs, without the methods that were cut down. Their parameters: ${repeated.map(entry => `${nameOf(entry)} \`${JSON.stringify(again.provenance.params[nameOf(entry)])}\``).join(', ')}.`,
    table(
      [
        'method',
        ...repeated
          .map(nameOf)
          .map(metric => `${metric} ${ARROWS[again.metrics.find(entry => entry.metric === metric).direction]}`),
      ],
      second.filter(([name]) => !CONTROLS.some(control => name === `*${control}*`)),
    ),
    '## How it was measured',
    provenance(scored.provenance, refused),
    '## Photographs',
    'Not part of this repository; `scripts/leaderboard/collect-photos.py` fetches them, and `photos.json` beside it names author, licence and hash of each.',
    pictures.map(({ name, package: from, licence }) => `${name} (${from}, ${licence})`).join(' · '),
  ].join('\n\n')}\n`;
}

const nameOf = entry => (typeof entry === 'string' ? entry : entry.metric);

function byMaker(entries) {
  const makers = new Map();
  for (const entry of entries) {
    if (!makers.has(entry.method)) makers.set(entry.method, new Map());
    makers.get(entry.method).set(entry.metric, entry);
  }
  return makers;
}

const rankOf = metrics => RANKED.reduce((sum, name) => sum + metrics.get(name).rank, 0) / RANKED.length;

function shownName(name, cut) {
  if (CONTROLS.includes(name)) return `*${name}*`;
  const params = cut[name] && Object.entries(cut[name]).map(([key, value]) => `${key} ${value}`);
  return `\`${name}\`${params ? ` (${params.join(', ')})` : ''}`;
}

function cell(entry, images) {
  if (!entry || entry.mean === null) return '–';
  const interval = entry.ci95 ? ` [${entry.ci95.map(short).join(', ')}]` : '';
  return `${short(entry.mean)}${interval}${entry.n < images ? ` n ${entry.n}` : ''}`;
}

const short = value => value.toFixed(3).replace('-', '−');

/** As the first of the two sees it, whichever a comparison names first. */
function versus(comparisons, metric, name, other) {
  const pair = comparisons.find(one => {
    const both = [one.a.method, one.b.method];
    return one.metric === metric && both.includes(name) && both.includes(other);
  });
  if (!pair) return undefined;
  const isFirst = pair.a.method === name;
  return {
    wins: isFirst ? pair.wins : pair.losses,
    losses: isFirst ? pair.losses : pair.wins,
    pHolm: pair.pHolm,
  };
}

function versusRandom(comparisons, metric, name) {
  const found = versus(comparisons, metric, name, 'random');
  return found ? `${found.wins} : ${found.losses}${found.pHolm < 0.05 ? ' *' : ''}` : '–';
}

/** Sentences made of the figures. */
function findings({ scored, makers, order }) {
  const methods = order.filter(name => !CONTROLS.includes(name));
  const beats = metric =>
    methods.filter(name => {
      const found = versus(scored.comparisons, metric, name, 'random');
      return found && found.wins > found.losses && found.pHolm < 0.05;
    }).length;
  const centre = rankOf(makers.get('centre'));
  const random = rankOf(makers.get('random'));
  const list = names => names.map(name => `\`${name}\``).join(', ');
  const [first, ...rest] = methods;
  const settled = rest.filter(name =>
    RANKED.some(metric => versus(scored.comparisons, metric, first, name)?.pHolm < 0.05),
  );
  const below = methods.filter(name => rankOf(makers.get(name)) > random);
  const behind = methods.filter(name => rankOf(makers.get(name)) > centre);
  const twins = sameRows(makers, methods);
  const deletion = makers.get('random').get('deletion').mean;
  const worse = methods.filter(name => makers.get(name).get('deletion').mean > deletion);
  return [
    `Better than noise, beyond chance: ${RANKED.map(metric => `${beats(metric)} of ${methods.length} methods by ${metric}`).join(', ')}. ${below.length === 0 ? 'No method ranks behind the random map.' : `Behind the random map in mean rank: ${list(below)}.`}`,
    `First by mean rank: ${list(methods.slice(0, 5))}. From the first ${settled.length} of the ${rest.length} other methods differ beyond chance in at least one of ${RANKED.join(', ')} (paired, corrected by Holm); where the others stand to it ${scored.images} photographs do not settle.`,
    `A blob in the centre, which looks at no picture, has the mean rank ${centre.toFixed(1)}: ${behind.length === 0 ? 'all methods are ahead of it' : `${behind.length} methods are behind it (${list(behind)})`}.`,
    `By deletion ${worse.length} of ${methods.length} methods have a worse mean than noise: pixels deleted all over a picture break it up sooner than an object cut out. What is behind \`random\` there is not for that reason wrong; insertion and ROAD, which blur and fill in, do not have this weakness to that extent.`,
    ...(twins.length === 0
      ? []
      : [
          `The same to three digits throughout, because on a network that ends in a mean over positions and one linear layer they are one formula or nearly: ${twins.map(group => group.map(name => `\`${name}\``).join(' = ')).join('; ')}.`,
        ]),
  ];
}

/** Groups of methods whose means are all the same. */
function sameRows(makers, methods) {
  const groups = new Map();
  for (const name of methods) {
    const key = [...makers.get(name).values()].map(({ mean }) => mean?.toFixed(3)).join(' ');
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function provenance({ versions, model, preprocess, target, convention, params, seed, started }, refused) {
  return [
    `- Model: \`assets/efficientnet-lite0.onnx\`, SHA-256 \`${model.sha256}\``,
    `- Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `- Pictures as the network gets them: \`${JSON.stringify(preprocess)}\``,
    `- Target ${target}, convention ${convention}, seed ${seed}, ${started.slice(0, 10)}`,
    ...Object.entries(params).map(([name, value]) => `- ${name}: \`${JSON.stringify(value)}\``),
    `- Not run on this network: ${refused.map(name => `\`${name}\``).join(', ')}`,
  ].join('\n');
}
