import { isRecord } from '../common/checks.ts';
import type { Explanation } from './explanation.ts';
import type { HeatMap } from './explanation-fields.ts';

/** What every copy of the class has, also that of a second installation or of a test runner's realm. */
type ExplanationClass = Pick<typeof Explanation, 'atInput'>;

export function isExplanation(value: unknown): value is Explanation {
  return isRecord(value) && isRecord(value.map) && typeof classOf(value).atInput === 'function';
}

/**
 * An explanation's map at the size of the model's input, asked of its own class: only that sees its private fields.
 * @throws `ERR_INPUT_SHAPE` for maps of volumes
 */
export function mapAtInputOf(explanation: Explanation): Promise<HeatMap> {
  return classOf(explanation).atInput(explanation);
}

const classOf = (value: object): ExplanationClass => Object(value.constructor) as ExplanationClass;
