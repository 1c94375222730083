import type { Target } from '../targets/target.ts';
import type { ModelSource } from './held-model.ts';
import type { Question } from './question.ts';

/** A question as a program asks it. */
export function asProgram({ path, args, load }: ModelSource, picture: string, question: Question): string {
  const { method, layer, targets, techniques, seed } = question;
  const builders = new Set<string>();
  const asked = targets.map(target => targetCode(target, builders));
  const options = [
    `method: ${code(method)}`,
    ...(question.target === 'top1' ? [] : [`target: ${asked.length === 1 ? asked[0] : `[${asked.join(', ')}]`}`]),
    ...(layer === undefined ? [] : [`layer: ${code(layer)}`]),
    ...(techniques.length === 0 ? [] : [`technique: ${code(techniques.length === 1 ? techniques[0] : techniques)}`]),
    ...(seed === undefined ? [] : [`seed: ${seed}`]),
  ];
  const loading = Object.keys(load).length === 0 ? '' : `, ${code(load)}`;
  const file = `${picture.replace(/\.[^.]*$/, '')}-${method}`;
  const explained = `await cam.explain(${code(picture)}, { ${options.join(', ')} })`;
  const isNested = targets.some(({ kind }) => kind === 'output');
  const several = isNested || targets.length > 1 || targets.some(({ kind }) => kind === 'top');
  return [
    `import { ${isNested ? 'type Explanation, load' : 'load'} } from 'onnx-cam';`,
    ...(builders.size > 0 ? [`import { ${[...builders].sort().join(', ')} } from 'onnx-cam/targets';`] : []),
    '',
    ...(args.includes('--inputs') ? ['// The tensors of --inputs are given to load as `inputs`.'] : []),
    `const cam = await load(${code(path)}${loading});`,
    ...(several
      ? [
          isNested ? `const maps = [${explained}].flat(2) as Explanation[];` : `const maps = ${explained};`,
          'for (const [i, map] of maps.entries()) {',
          '  console.log(map.target, map.status, map.warnings);',
          `  await map.toFile(${code(`${file}-`)} + i + '.png');`,
          '}',
        ]
      : [
          `const map = ${explained};`,
          'console.log(map.target, map.status, map.warnings);',
          `await map.toFile(${code(`${file}.png`)});`,
        ]),
    'await cam.dispose();',
    '',
  ].join('\n');
}

/** @param builders functions of onnx-cam/targets that it takes */
function targetCode(target: Target, builders: Set<string>): string {
  const call = (name: string, ...values: string[]): string => {
    builders.add(name);
    return `${name}(${values.join(', ')})`;
  };
  const inner = (one: Target) => targetCode(one, builders);
  switch (target.kind) {
    case 'rank':
      return code('top1');
    case 'top':
      return call('topK', `${target.k}`);
    case 'class':
      return `${target.index}`;
    case 'label':
      return code(target.label);
    case 'binary':
      return call('binary', `${target.category}`);
    case 'regression':
      return call('regression', `${target.index}`);
    case 'segmentation':
      return call('segmentation', code({ classIndex: target.classIndex }));
    case 'detection': {
      const { box } = target.readout;
      const given = { ...(target.classIndex !== undefined && { classIndex: target.classIndex }), ...(box && { box }) };
      return call('detection', ...(Object.keys(given).length === 0 ? [] : [code(given)]));
    }
    case 'weighted': {
      const terms = target.terms.map(([one]) => inner(one));
      return call(target.as, ...terms);
    }
    case 'view':
      return call(target.view, inner(target.of));
    case 'output':
      return call('output', code(target.name), inner(target.of));
    case 'similarity':
    case 'graph':
      throw new Error(`unreachable: ${target.kind} targets are refused`);
  }
}

/** A value as it is written in a program. */
function code(value: unknown): string {
  if (typeof value === 'string')
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(code).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{ ${entries.map(([key, one]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : code(key)}: ${code(one)}`).join(', ')} }`;
}
