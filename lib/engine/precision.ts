import type { ExecutionProvider, ExecutionProviderConfig } from './providers.ts';
import type { Session } from './session.ts';
/** What a result was computed in. */
export type UsedPrecision = Exclude<Precision, 'auto'>;

const configOf = (provider: ExecutionProvider): ExecutionProviderConfig =>
  typeof provider === 'string' ? { name: provider } : provider;

export const providerName = (provider: ExecutionProvider): string =>
  configOf(provider)
    .name.toLowerCase()
    .replace(/executionprovider$/, '');

/**
 * Execution providers with CUDA told which arithmetic to use for float32: TF32 or the whole float. What the user says under
 * `options` wins. 'auto' and 'fp16' leave it to the provider.
 */
export function withPrecision(
  providers: readonly ExecutionProvider[] | undefined,
  precision: Precision,
): readonly ExecutionProvider[] | undefined {
  if (precision !== 'fp32' && precision !== 'tf32') return providers;
  return providers?.map(provider => {
    if (providerName(provider) !== 'cuda') return provider;
    const config = configOf(provider);
    return { ...config, options: { use_tf32: precision === 'tf32', ...config.options } };
  });
}

/**
 * The precision of a session's results. Only CUDA has TF32, which it uses for float32 unless told otherwise; every other
 * provider computes float32 models in float32.
 */
export function precisionOf(
  { accelerated }: Pick<Session, 'accelerated'>,
  { providers, half }: { readonly providers?: readonly ExecutionProvider[]; readonly half: boolean },
): UsedPrecision {
  if (half) return 'fp16';
  const cuda = accelerated ? providers?.find(provider => providerName(provider) === 'cuda') : undefined;
  if (!cuda) return 'fp32';
  const { use_tf32: tf32 = true } = configOf(cuda).options ?? {};
  return ['0', 'false'].includes(String(tf32).toLowerCase()) ? 'fp32' : 'tf32';
}

export const PRECISIONS = ['auto', 'fp32', 'tf32', 'fp16'] as const;

/** What the runs on changed inputs compute in: as the network does, or in an int8 version of it. */
export const SCORING_PRECISIONS = ['fp32', 'int8'] as const;

/**
 * What runs on changed inputs compute in: 'fp32', or 'int8' on a CPU.
 * @useDeclaredType
 */
export type ScoringPrecision = (typeof SCORING_PRECISIONS)[number];

/**
 * What a network computes in: as the model is, or 'fp32', 'tf32' (CUDA), 'fp16'.
 * @useDeclaredType
 */
export type Precision = (typeof PRECISIONS)[number];
