import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { numbersOf, type Right, readTensor } from './case-files.ts';
import { type GivenResult, isCoded, isExplanation, type Outcome } from './run-check.ts';

/** What is not as it should be; nothing where all is right. */
export function judge(outcome: Outcome, right: Right, dir: string, twin?: Outcome): readonly string[] {
  if (right.anyOf) {
    const all = right.anyOf.map(one => judge(outcome, one, dir, twin));
    return all.some(({ length }) => length === 0) ? [] : [...new Set(all.flat())];
  }
  const { error, predictions } = outcome;
  if (error !== undefined && !isCoded(error)) return [String(error)];
  if (right.coded) return [];
  if (error !== undefined) {
    const said = `${error.code}: ${error.message}`;
    const codes = right.error === undefined ? [] : [right.error].flat();
    const expected = codes.includes(true) || codes.includes(error.code);
    const spoken = right.message === undefined || matches(right.message, error.message);
    const silent = right.messageNot === undefined || !matches(right.messageNot, error.message);
    return expected && spoken && silent ? [] : [said];
  }
  if (right.error) return [`no error, but ${show(predictions?.slice(0, 2) ?? explained(outcome).map(r => r.target))}`];
  return [
    ...ofCommand(outcome, right),
    ...ofMaps(outcome, right, dir, twin),
    ...ofScores(outcome, right, dir),
    ...ofRest(outcome, right),
  ];
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, v) => {
    if (typeof v === 'number') return Number(v.toPrecision(5));
    return ArrayBuffer.isView(v) ? `${v.byteLength} bytes` : v;
  });

const matches = (pattern: string, text: string): boolean => new RegExp(pattern, 'i').test(text);
const explained = ({ results = [] }: Outcome) => results.filter(isExplanation);

class Complaints {
  readonly all: string[] = [];

  need(holds: boolean, text: () => string): void {
    if (!holds) this.all.push(text());
  }
}

function ofCommand(outcome: Outcome, right: Right): string[] {
  const { exit, stdout = '', stderr = '', lines = [], cpu } = outcome;
  const c = new Complaints();
  if (right.exit !== undefined) c.need(exit === right.exit, () => `exit ${exit}: ${stderr || stdout}`);
  if (right.stderr !== undefined) c.need(matches(right.stderr, stderr), () => `stderr: ${stderr}`);
  if (right.stdout !== undefined) c.need(matches(right.stdout, stdout), () => `stdout: ${stdout}`);
  for (const line of right.json ?? [])
    c.need(
      lines.some(one => holds(one, line)),
      () => `no line with ${show(line)}`,
    );
  if (right.cpu) {
    const most = Math.max(right.cpu.seconds, right.cpu.times * cpu!.plain);
    c.need(cpu!.own <= most, () => `${cpu!.own.toFixed(3)} CPU s for a new size, at most ${most.toFixed(3)}`);
  }
  return c.all;
}

function ofMaps({ results = [] }: Outcome, right: Right, dir: string, twin: Outcome | undefined): string[] {
  const c = new Complaints();
  const most = right.tol ?? 1e-4;
  if (right.count !== undefined) c.need(results.length === right.count, () => `${results.length} results`);
  if (right.raw !== undefined) {
    const known = typeof right.raw === 'string' ? readTensor(join(dir, right.raw)) : (right.raw as never as Tensor);
    const values = numbersOf(known);
    const size = values.length / (known.dims.length > 2 ? known.dims[0]! : 1);
    const want = right.rows ? right.rows.flatMap(i => [...values.slice(i * size, (i + 1) * size)]) : [...values];
    const got = results.flatMap(({ raw }) => [...numbersOf(raw as Tensor)]);
    const error = relativeError(got, want);
    c.need(error <= most, () => `raw off by ${error} (${got.length} values, right: ${want.length})`);
  }
  if (right.sameAs !== undefined)
    results.forEach(({ raw }, i) => {
      const other = twin?.results?.[right.twinRow ?? i];
      const error = other
        ? relativeError([...numbersOf(raw as Tensor)], [...numbersOf(other.raw as Tensor)])
        : Number.NaN;
      c.need(error <= most, () => `raw differs from ${right.sameAs} by ${error}: ${twin?.error}`);
    });
  return c.all;
}

function relativeError(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length) return Number.NaN;
  const difference = got.reduce((sum, value, i) => sum + (value - want[i]!) ** 2, 0);
  return Math.sqrt(difference / want.reduce((sum, value) => sum + value ** 2, 0));
}

/** Everything that `right` says is in `got`; numbers within a thousandth, boxes within a tenth of a pixel. */
function holds(got: unknown, right: unknown, key?: string): boolean {
  if (typeof right === 'number')
    return (
      typeof got === 'number' && Math.abs(got - right) <= (key === 'box' ? 0.1 : 1e-3 * Math.max(1, Math.abs(right)))
    );
  if (right === null || typeof right !== 'object') return got === right;
  if ('matches' in right) return matches(right.matches as string, String(got));
  if (got === null || typeof got !== 'object') return false;
  return Object.entries(right).every(([name, value]) =>
    holds((got as Record<string, unknown>)[name], value, Array.isArray(right) ? key : name),
  );
}

/** What target and predictions have to be, from a file of logits [N,K]. */
function fromLogits(dir: string, { logits, probability, labels, target }: Right) {
  const known = readTensor(join(dir, logits!));
  const count = known.dims.at(-1)!;
  const values = numbersOf(known);
  const kind = probability ?? (count > 1 ? 'softmax' : 'none');
  return Array.from({ length: values.length / count }, (_, n) => {
    const row = [...values.slice(n * count, (n + 1) * count)];
    const likely = probabilities(row, kind);
    const one = (index: number) => ({
      index,
      score: row[index]!,
      ...(kind !== 'none' && { probability: likely[index]! }),
      ...(labels && { label: labels[index]! }),
    });
    const order = row.map((_, k) => k).sort((a, b) => row[b]! - row[a]!);
    return { target: one((target as number | undefined) ?? order[0]!), predictions: order.slice(0, 5).map(one) };
  });
}

function probabilities(row: readonly number[], kind: 'softmax' | 'sigmoid' | 'none'): number[] {
  if (kind === 'sigmoid') return row.map(value => 1 / (1 + Math.exp(-value)));
  const powers = row.map(value => Math.exp(value - Math.max(...row)));
  return powers.map(power => power / powers.reduce((a, b) => a + b));
}

function ofScores(outcome: Outcome, right: Right, dir: string): string[] {
  const c = new Complaints();
  const { predictions } = outcome;
  const results = explained(outcome);
  if (right.logits !== undefined) {
    const known = fromLogits(dir, right);
    const kept = right.rows ? right.rows.map(i => known[i]!) : known;
    if (predictions)
      c.need(
        holds(predictions, kept[0]!.predictions),
        () => `predictions ${show(predictions)}, right: ${show(kept[0])}`,
      );
    results.forEach((result, i) => {
      c.need(holds(result.target, kept[i]?.target), () => `target ${show(result.target)}, right: ${show(kept[i])}`);
      c.need(holds(result.predictions, kept[i]?.predictions), () => `predictions ${show(result.predictions)}`);
    });
  }
  wantedTargets(right, dir)
    .slice(0, predictions ? 1 : right.count)
    .forEach((want, i) => {
      const { box: _box, ...rest } = want;
      const all = right.boxes === false || predictions ? rest : want;
      const got = predictions ? predictions[0] : results[i]?.target;
      c.need(holds(got, all), () => `target ${show(got)}, right: ${show(all)}`);
    });
  const best = predictions ?? results[0]?.predictions;
  if (right.predictions) c.need(holds(best, right.predictions), () => `predictions ${show(best?.slice(0, 3))}`);
  if (right.mostClasses !== undefined)
    for (const { index } of predictions ?? results.flatMap(one => one.predictions))
      c.need(index < right.mostClasses, () => `class ${index} of ${right.mostClasses}`);
  if (right.noBox) for (const { target } of results) c.need(!target.box, () => `a box: ${show(target)}`);
  return c.all;
}

function wantedTargets({ target }: Right, dir: string): readonly Record<string, unknown>[] {
  if (typeof target === 'string') return JSON.parse(readFileSync(join(dir, target), 'utf8'));
  return typeof target === 'object' ? ([target].flat() as Record<string, unknown>[]) : [];
}

function ofRest(outcome: Outcome, right: Right): string[] {
  const c = new Complaints();
  if (right.chosen !== undefined) {
    const chosen = outcome.layers?.find(layer => layer.chosen)?.name;
    c.need([right.chosen].flat().includes(chosen!), () => `chosen ${chosen}`);
  }
  for (const result of explained(outcome)) {
    const { layer, status, reason, warnings, map } = result;
    const names = [layer].flat().map(({ name }) => name);
    if (right.layer !== undefined)
      c.need(
        [right.layer].flat().some(one => holds(names, [one].flat())),
        () => `layer ${names}`,
      );
    if (right.status !== undefined) c.need([right.status].flat().includes(status), () => `status ${status}: ${reason}`);
    if (right.warnings !== undefined)
      c.need(
        warnings.some(one => matches(right.warnings!, one)),
        () => `warnings ${show(warnings)}`,
      );
    if (right.noWarnings !== undefined)
      c.need(!warnings.some(one => matches(right.noWarnings!, one)), () => `warnings ${show(warnings)}`);
    if (right.mapSize) c.need(holds([map.width, map.height], right.mapSize), () => `map of ${map.width}×${map.height}`);
    if (right.zeroOutside)
      c.need(isZeroOutside(result, right.zeroOutside), () => 'the map is not zero outside the crop');
  }
  return c.all;
}

function isZeroOutside(
  { map }: Extract<GivenResult, { map: unknown }>,
  box: NonNullable<Right['zeroOutside']>,
): boolean {
  const [x0, y0, x1, y1] = box;
  let outside = 0;
  let inside = 0;
  map.data.forEach((value, i) => {
    const [x, y] = [i % map.width, Math.floor(i / map.width)];
    if (x + 2 < x0 || x > x1 + 1 || y + 2 < y0 || y > y1 + 1) outside += Math.abs(value);
    else inside += value;
  });
  return outside === 0 && inside > 0;
}
