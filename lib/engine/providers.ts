import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';
import type { KeyValue, NativeConfig } from './native-engine.ts';

/** An execution provider as onnxruntime-node shapes it, with ONNX Runtime's own provider keys in `options`. */
export type ExecutionProvider = string | ExecutionProviderConfig;

/** An execution provider with options. */
export interface ExecutionProviderConfig {
  /** `'cpu'`, `'cuda'`, `'tensorrt'`, `'dml'`, `'coreml'`, …, or ONNX Runtime's own spelling. */
  readonly name: string;
  /** For 'cuda', 'tensorrt' and the like: which device (default 0). */
  readonly deviceId?: number | undefined;
  /** For 'cpu': false is the same as `enableCpuMemArena: false`. */
  readonly useArena?: boolean | undefined;
  /** ONNX Runtime's own keys for this provider, e.g. `{ cudnn_conv_algo_search: 'HEURISTIC', use_tf32: 0 }`. */
  readonly options?: Readonly<Record<string, string | number | boolean>> | undefined;
}

const FIELDS = ['name', 'deviceId', 'useArena', 'options'];

export interface Providers {
  readonly providers: NativeConfig['providers'];
  readonly useArena: boolean;
}

/** @throws `ERR_OPTION_INVALID` */
export function readProviders(value: unknown): Providers {
  if (value === undefined) return { providers: [], useArena: true };
  if (!Array.isArray(value)) throw invalid(`must be an array, e.g. ['cuda', 'cpu'], not ${shown(value)}`);
  let useArena = true;
  const providers = value.map((entry: unknown, index) => {
    const where = `[${index}]`;
    const config = typeof entry === 'string' ? { name: entry } : entry;
    if (typeof config !== 'object' || config === null)
      throw invalid(`${where} must be a name or an object with a name, not ${shown(entry)}`);
    const { name, deviceId, useArena: arena, options } = config as ExecutionProviderConfig;
    if (typeof name !== 'string' || name === '') throw invalid(`${where}.name must be a provider's name`);
    for (const field of Object.keys(config))
      if (!FIELDS.includes(field))
        throw invalid(
          `${where} (${name}) has the unknown field '${field}'${didYouMean(field, FIELDS)}; ONNX Runtime's own keys ` +
            'for a provider go into `options`',
        );
    const entries: KeyValue[] = [];
    if (deviceId !== undefined) {
      if (!Number.isInteger(deviceId) || deviceId < 0)
        throw invalid(`${where}.deviceId must be a whole number of at least 0, not ${shown(deviceId)}`);
      entries.push({ key: 'device_id', value: String(deviceId) });
    }
    if (arena !== undefined && typeof arena !== 'boolean') throw invalid(`${where}.useArena must be true or false`);
    if (options !== undefined && (typeof options !== 'object' || options === null))
      throw invalid(`${where}.options must be an object, not ${shown(options)}`);
    for (const [key, item] of Object.entries(options ?? {})) entries.push({ key, value: configValue(item, key) });
    const lowerCase = name.toLowerCase().replace(/executionprovider$/, '');
    if (lowerCase !== 'cpu') return { name: lowerCase, options: entries };
    if (arena === false) useArena = false;
    if (entries.length > 0) throw invalid(`${where}: the 'cpu' provider takes no ${entries[0]!.key}`);
    return { name: 'cpu', options: [] };
  });
  return { providers, useArena };
}

/** True when another execution provider than the CPU is listed. @throws `ERR_OPTION_INVALID` */
export function isAccelerated(value: readonly ExecutionProvider[] | undefined): boolean {
  return readProviders(value).providers.some(({ name }) => name !== 'cpu');
}

/** A configuration value as ONNX Runtime takes it: booleans are '1' and '0'. */
export function configValue(value: unknown, key: string): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `'${key}' must be a string, number or boolean, not ${value === null ? 'null' : typeof value}`,
  );
}

function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_OPTION_INVALID', `\`executionProviders\` ${message}`);
}
