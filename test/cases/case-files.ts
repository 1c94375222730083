import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { parseNpyTensor } from '../../lib/io/npy.ts';

/** What a check says is right; see test/golden/cases/README.md. */
export interface Right {
  readonly anyOf?: readonly Right[];
  readonly coded?: boolean;
  readonly error?: true | string | readonly string[];
  readonly message?: string;
  readonly messageNot?: string;
  readonly exit?: number;
  readonly stderr?: string;
  readonly stdout?: string;
  readonly json?: readonly unknown[];
  readonly cpu?: { readonly seconds: number; readonly times: number };
  readonly count?: number;
  readonly raw?: string | { readonly dims: readonly number[]; readonly data: readonly number[] };
  readonly tol?: number;
  readonly rows?: readonly number[];
  readonly sameAs?: string;
  readonly twinRow?: number;
  readonly logits?: string;
  readonly probability?: 'softmax' | 'sigmoid' | 'none';
  readonly labels?: readonly string[];
  readonly target?: number | string | object;
  readonly predictions?: unknown;
  readonly boxes?: boolean;
  readonly mostClasses?: number;
  readonly noBox?: boolean;
  readonly layer?: unknown;
  readonly chosen?: string | readonly string[];
  readonly status?: string | readonly string[];
  readonly warnings?: string;
  readonly noWarnings?: string;
  readonly mapSize?: readonly number[];
  readonly zeroOutside?: readonly [x0: number, y0: number, x1: number, y1: number];
}

export interface Check {
  readonly id: string;
  readonly about: string;
  readonly says?: string;
  readonly model?: string;
  readonly files?: readonly string[];
  readonly alone?: boolean;
  readonly beside?: object;
  readonly load?: Readonly<Record<string, unknown>>;
  readonly fixed?: Readonly<Record<string, string>>;
  readonly perCall?: Readonly<Record<string, string>>;
  readonly input?: string | readonly string[];
  readonly call?: 'explain' | 'predict' | 'layers' | 'load' | 'sizes';
  readonly explain?: Readonly<Record<string, unknown>>;
  readonly sizes?: readonly (readonly [width: number, height: number])[];
  readonly cli?: readonly string[];
  readonly right: Right;
}

const folder = fileURLToPath(new URL('../golden/cases/', import.meta.url));

export const CHECKS: readonly Check[] = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));

/** The folder of a check's files; damaged models lie with those that a fuzzer starts from. */
export function folderOf({ id }: Check): string {
  const name = id.split('/')[0]!;
  return name === 'hostile' ? fileURLToPath(new URL('../golden/hostile', import.meta.url)) : join(folder, name);
}

export function readTensor(path: string): Tensor {
  return parseNpyTensor(readFileSync(path), path);
}

export const numbersOf = ({ data }: Pick<Tensor, 'data'>): Float64Array =>
  Float64Array.from(data as ArrayLike<number | bigint>, Number);
