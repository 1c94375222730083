import { visible } from '../../common/visible.ts';
import type { ExplainedTarget } from '../../result/explanation-fields.ts';
import { askedKind } from '../../targets/target.ts';

/** Text for people. */

/** Sentences of several lines (ONNX Runtime's) as one, without characters that act on a terminal. */
export function oneLine(text: string): string {
  const lines = text.split(/[\n\r]+/).map(line => line.trim());
  return visible(lines.filter(line => line !== '').join(' '));
}

/** "1 result", "3 results". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** 0.4137 → "41.4 %"; small ones keep a digit that says something ("0.03 %"). */
export function percent(probability: number): string {
  const value = probability * 100;
  return `${value >= 1 || value === 0 ? value.toFixed(1) : value.toPrecision(1)} %`;
}

/** [1280, 7, 7] → "1280×7×7"; a dimension the model leaves open is shown as "?". */
export function shapeText(shape: readonly (number | string)[]): string {
  return shape.map(dim => (typeof dim === 'number' && dim < 0 ? '?' : String(dim))).join('×');
}

/** A class by its label, else by its index. */
export function className({ index, label }: { readonly index: number; readonly label: string | null }): string {
  return label ?? `class ${index}`;
}

/** "Egyptian cat 41.4 %", or the score where there is no probability. */
export function targetText(target: ExplainedTarget): string {
  const kind = askedKind(target.kind) === 'class' ? '' : ` (${target.kind})`;
  const value = target.probability === null ? target.score.toPrecision(4) : percent(target.probability);
  return `${className(target)}${kind} ${value}`;
}
