import { resolve } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { isUint8Array } from '../common/kinds.ts';
import { shown } from '../common/shown.ts';
import { didYouMean } from '../common/suggest.ts';
import { toStableView } from './buffers.ts';
import type { KeyValue, NativeConfig } from './native-engine.ts';
import { configValue, type ExecutionProvider, readProviders } from './providers.ts';

/** onnxruntime-node's session options by its names and with its meaning, where this engine has them. */
export interface SessionOptions {
  /**
   * In order of preference (default: the CPU, which also takes what the others leave). A provider that cannot be used
   * is an error, unless `'cpu'` is listed as well: then it is one of `session.warnings`.
   */
  executionProviders?: readonly ExecutionProvider[] | undefined;
  /** How far ONNX Runtime rewrites the graph (default 'all'). */
  graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all' | undefined;
  /** Threads inside one run; 0 (default) leaves it to ONNX Runtime: physical cores. They stop spinning after a run. */
  intraOpNumThreads?: number | undefined;
  /** Threads between operators with `executionMode: 'parallel'`; 0 (default) leaves it to ONNX Runtime. */
  interOpNumThreads?: number | undefined;
  /** Operators one after the other (default 'sequential'), or side by side. */
  executionMode?: 'sequential' | 'parallel' | undefined;
  /** Keep memory between runs (default true). */
  enableCpuMemArena?: boolean | undefined;
  /** Plan memory by the first run of each size (default true). */
  enableMemPattern?: boolean | undefined;
  /** In ONNX Runtime's log lines. */
  logId?: string | undefined;
  /** 0 verbose … 4 fatal (default, because failures are thrown), on standard error. */
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4 | undefined;
  /** Of verbose lines, from 0 (default). */
  logVerbosityLevel?: number | undefined;
  /** Writes a profile when the session is released. */
  enableProfiling?: boolean | undefined;
  /** Path of the profile, before a date (default 'onnxruntime_profile_'). */
  profileFilePrefix?: string | undefined;
  /** Writes the optimised model to this file. */
  optimizedModelFilePath?: string | undefined;
  /** Sizes of dynamic dimensions, by their names in the model. */
  freeDimensionOverrides?: Readonly<Record<string, number>> | undefined;
  /** Session configuration entries, nested at the dots: `{ session: { set_denormal_as_zero: '1' } }`. */
  extra?: Readonly<Record<string, unknown>> | undefined;
  /** ONNX Runtime's shared library, or the folder that it and its providers lie in (default: `ONNX_CAM_ORT_LIBRARY`, else the one inside onnxruntime-node). */
  libraryPath?: string | undefined;
  /** External data files by the location that the model names, read while the session is created. */
  externalFiles?: Readonly<Record<string, Uint8Array>> | undefined;
}

export const SESSION_OPTION_NAMES = [
  'executionProviders',
  'graphOptimizationLevel',
  'intraOpNumThreads',
  'interOpNumThreads',
  'executionMode',
  'enableCpuMemArena',
  'enableMemPattern',
  'logId',
  'logSeverityLevel',
  'logVerbosityLevel',
  'enableProfiling',
  'profileFilePrefix',
  'optimizedModelFilePath',
  'freeDimensionOverrides',
  'extra',
  'libraryPath',
  'externalFiles',
] as const satisfies readonly (keyof SessionOptions)[];

/** ONNX Runtime's `GraphOptimizationLevel`. */
const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, layout: 3, all: 99 } as const;
const EXECUTION_MODES = ['sequential', 'parallel'] as const;

/**
 * Checks session options and puts them into the form that the addon takes.
 * @throws `ERR_OPTION_INVALID` with what was expected and what came.
 */
export function toNativeConfig(options: SessionOptions): NativeConfig {
  for (const name of Object.keys(options))
    if (!(SESSION_OPTION_NAMES as readonly string[]).includes(name))
      throw invalid(`'${name}' is no session option${didYouMean(name, SESSION_OPTION_NAMES)}`);
  const { providers, useArena } = readProviders(options.executionProviders);
  const level = oneOf('graphOptimizationLevel', options.graphOptimizationLevel, Object.keys(OPTIMIZATION_LEVELS));
  const intraOpThreads = wholeNumber('intraOpNumThreads', options.intraOpNumThreads, 0);
  const profiling = flag('enableProfiling', options.enableProfiling, false);
  const optimizedModel = text('optimizedModelFilePath', options.optimizedModelFilePath);
  return {
    providers,
    optimizationLevel: OPTIMIZATION_LEVELS[(level ?? 'all') as keyof typeof OPTIMIZATION_LEVELS],
    intraOpThreads,
    interOpThreads: wholeNumber('interOpNumThreads', options.interOpNumThreads, 0),
    parallel: oneOf('executionMode', options.executionMode, EXECUTION_MODES) === 'parallel',
    cpuArena: flag('enableCpuMemArena', options.enableCpuMemArena, true) && useArena,
    memoryPattern: flag('enableMemPattern', options.enableMemPattern, true),
    logId: text('logId', options.logId) ?? '',
    logSeverity: wholeNumber('logSeverityLevel', options.logSeverityLevel, 4, 4),
    logVerbosity: wholeNumber('logVerbosityLevel', options.logVerbosityLevel, 0),
    profilePrefix: profiling
      ? (text('profileFilePrefix', options.profileFilePrefix) ?? 'onnxruntime_profile_')
      : undefined,
    optimizedModelPath: optimizedModel === undefined ? undefined : resolve(optimizedModel),
    freeDimensions: Object.entries(record('freeDimensionOverrides', options.freeDimensionOverrides)).map(
      ([key, value]) => ({ key, value: wholeNumber(`freeDimensionOverrides.${key}`, value as number, 0) }),
    ),
    entries: configEntries(options, intraOpThreads),
    externalFiles: Object.entries(record('externalFiles', options.externalFiles)).map(([name, bytes]) => {
      if (!isUint8Array(bytes)) throw invalid(`\`externalFiles\`: '${name}' must be a Uint8Array`);
      return { name, bytes: toStableView(bytes) };
    }),
  };
}

function configEntries(options: SessionOptions, intraOpThreads: number): KeyValue[] {
  const entries = new Map<string, string>();
  // ONNX Runtime's threads burn CPU for a while after each run by default, at the cost of everything else here.
  if (intraOpThreads === 1) entries.set('session.intra_op.allow_spinning', '0');
  else entries.set('session.force_spinning_stop', '1');
  flatten(record('extra', options.extra), '', entries);
  return [...entries].map(([key, value]) => ({ key, value }));
}

function flatten(nested: Readonly<Record<string, unknown>>, prefix: string, entries: Map<string, string>): void {
  for (const [name, value] of Object.entries(nested)) {
    const key = prefix + name;
    if (typeof value === 'object' && value !== null) flatten(value as Record<string, unknown>, `${key}.`, entries);
    else entries.set(key, configValue(value, `extra.${key}`));
  }
}

function oneOf(name: string, value: unknown, known: readonly string[]): string | undefined {
  if (value === undefined || known.includes(value as string)) return value as string | undefined;
  throw invalid(
    `\`${name}\` must be one of ${known.join(', ')}, not ${shown(value)}${didYouMean(String(value), known)}`,
  );
}

function wholeNumber(name: string, value: unknown, fallback: number, max = 0x7fffffff): number {
  if (value === undefined) return fallback;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number;
  throw invalid(`\`${name}\` must be a whole number from 0 to ${max}, not ${shown(value)}`);
}

function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw invalid(`\`${name}\` must be true or false, not ${shown(value)}`);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`\`${name}\` must be a string, not ${shown(value)}`);
}

function record(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(`\`${name}\` must be an object, not ${shown(value)}`);
}

function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_OPTION_INVALID', message);
}
