/** The tables of docs/metrics.md: from what `listMetrics()` says. */

const ARROWS = { higher: '↑', lower: '↓' };

export const source = text =>
  text.replaceAll(/arXiv:(\d{4}\.\d{4,5})/g, (found, id) => `[${found}](https://arxiv.org/abs/${id})`);

const bound = value => (value === null ? '' : String(value).replace('-', '−'));
const range = ([least, most]) =>
  least === null && most === null
    ? ''
    : least === null
      ? `≤ ${most}`
      : most === null
        ? `≥ ${bound(least)}`
        : `${bound(least)} to ${bound(most)}`;

const needs = ({ scores, explanations, truth, randomized }) =>
  [
    scores && 'scores',
    explanations && 'the method',
    truth && (truth === 'boxes' ? 'boxes' : 'a mask or boxes'),
    randomized && 'random weights',
  ]
    .filter(Boolean)
    .join(', ') || '–';

/** A line for each metric. @param metrics of `listMetrics()` */
export function metricsTable(metrics) {
  const rows = metrics.map(
    metric =>
      `| [\`${metric.name}\`](#${metric.name}) | ${metric.title} | ${metric.family} | ${ARROWS[metric.direction]} | ` +
      `${range(metric.range)} | ${metric.unit} | ${needs(metric.needs)} | ${metric.cost} | ${source(metric.source)} |`,
  );
  return [
    '| name | | family | better | range | unit | needs | cost | source |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export function shown(value) {
  if (value === undefined) return '–';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object')
    return `\`${JSON.stringify(value)
      .replaceAll('"', '')
      .replaceAll(':', ': ')
      .replace(/^\{(.*)\}$/, '{ $1 }')}\``;
  return typeof value === 'string' ? `\`${value}\`` : String(value);
}

export function allowed({ type, values, min, max }) {
  if (type === 'baseline') return '[a baseline](#baselines)';
  if (type === 'threshold') return '[a threshold](#thresholds)';
  if (type === 'boolean') return 'true, false';
  const names = (values ?? []).map(value => `\`${value}\``);
  if (type === 'string') return names.join(', ');
  const kind = { integer: 'whole number', number: 'number', numbers: 'numbers' }[type];
  const limits =
    min !== undefined && max !== undefined
      ? `${min} to ${max}`
      : min !== undefined
        ? `from ${min}`
        : max !== undefined
          ? `to ${max}`
          : '';
  return [...names, [kind, limits].filter(Boolean).join(' ')].join(', ');
}

const nameOf = row => row.split('|')[1];

/** A line for each parameter; metrics that have it alike share the line. @param metrics of `listMetrics()` */
export function parametersTable(metrics) {
  const lines = new Map();
  for (const { name: metric, params } of metrics)
    for (const [name, spec] of Object.entries(params)) {
      const others = Object.entries(spec.defaults ?? {}).map(([convention, value]) => `${convention}: ${shown(value)}`);
      const meaning = spec.description.replaceAll('|', '\\|');
      const told = `${shown(spec.default)} | ${others.join('; ')} | ${allowed(spec)} | ${meaning} |`;
      const key = `| \`${name}\` | % | ${told}`;
      lines.set(key, [...(lines.get(key) ?? []), `\`${metric}\``]);
    }
  const rows = [...lines].map(([line, names]) => line.replace('%', names.join(', ')));
  return [
    '| parameter | of | default | by convention | allowed | meaning |',
    '|---|---|---|---|---|---|',
    // Stable: within a parameter the metrics keep their order.
    ...rows.sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en')),
  ].join('\n');
}
