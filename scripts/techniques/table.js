const ARROWS = { lower: '↓', higher: '↑' };

/**
 * A line for each map maker of a summary: mean, interval, and on how many photographs it is better and
 * worse than the first.
 * @param costs by name `{ runs, times }`, where they are known
 */
export function comparisonTable({ metrics, comparisons, images }, costs) {
  const names = [...new Set(metrics.map(({ metric }) => metric))];
  const makers = new Map();
  for (const entry of metrics) {
    const name = nameOf(entry);
    makers.set(name, { ...makers.get(name), [entry.metric]: entry });
  }
  const [plain] = makers.keys();
  const heads = names.map(name => `${name} ${ARROWS[metrics.find(({ metric }) => metric === name).direction]}`);
  const rows = [...makers].map(([name, entries]) => [
    entries[names[0]].control ? `*${name}*` : name === 'plain' ? name : `\`${name}\``,
    ...(costs ? costCells(costs.get(name)) : []),
    ...names.map(metric => cell(entries[metric], images, versus(comparisons, metric, name, plain))),
  ]);
  const head = ['', ...(costs ? ['runs', 'ms'] : []), ...heads];
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

/** What was asked for besides the method; controls have their own names. */
function nameOf({ method, control, params }) {
  if (control) return method;
  const { technique, fusion, eigenSmooth } = params === '' ? {} : JSON.parse(params);
  return technique ?? fusion ?? (eigenSmooth ? 'eigenSmooth' : 'plain');
}

function costCells(cost) {
  if (!cost) return ['', ''];
  const median = [...cost.times].sort((a, b) => a - b)[cost.times.length >> 1];
  return [cost.runs, Number(median.toPrecision(2))];
}

function cell({ mean, ci95, n }, images, pair) {
  const interval = ` [${ci95.map(short).join(', ')}]`;
  const against = pair ? `, ${pair.wins} : ${pair.losses}${pair.pHolm < 0.05 ? ' *' : ''}` : '';
  return `${short(mean)}${interval}${n < images ? ` n ${n}` : ''}${against}`;
}

const short = value => value.toFixed(3).replace('-', '−');

/** As the first of the two sees it, whichever a comparison names first. */
function versus(comparisons, metric, name, other) {
  for (const { metric: own, a, b, wins, losses, pHolm } of comparisons) {
    if (own !== metric) continue;
    if (nameIn(a) === name && nameIn(b) === other) return { wins, losses, pHolm };
    if (nameIn(b) === name && nameIn(a) === other) return { wins: losses, losses: wins, pHolm };
  }
  return undefined;
}

const CONTROLS = ['random', 'centre', 'constant'];
const nameIn = maker => nameOf({ ...maker, control: CONTROLS.includes(maker.method) });
