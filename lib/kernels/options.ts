import { OnnxCamError } from '../common/errors.ts';

/** The options of a kernel that cannot do without. @throws `ERR_OPTION_INVALID` */
export function given<T extends object>(options: T, kernel: string): T {
  if (typeof options === 'object' && options !== null) return options;
  throw new OnnxCamError('ERR_OPTION_INVALID', `${kernel} needs its options, got ${String(options)}`);
}

/** One of the known names. @throws `ERR_OPTION_INVALID` naming them. */
export function oneOf<T extends string>(value: T, known: readonly T[], name: string): T {
  if (known.includes(value)) return value;
  throw new OnnxCamError('ERR_OPTION_INVALID', `${name} is '${value}'; known: ${known.join(', ')}`);
}

/** A finite number from `least` on. */
export function finite(value: number, name: string, least = -Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return value;
  const range = least === -Infinity ? '' : ` of at least ${least}`;
  throw new OnnxCamError('ERR_OPTION_INVALID', `${name} must be a finite number${range}, got ${String(value)}`);
}

/** A whole number from `least` on that sizes of pictures and arrays can take. */
export function wholeNumber(value: number, name: string, least = 1): number {
  if (Number.isInteger(value) && value >= least && value < 2 ** 31) return value;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `${name} must be a whole number of at least ${least}, got ${String(value)}`,
  );
}
