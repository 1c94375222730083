import type { LoadOptions } from '../../options.ts';
import { isRemote } from '../../stores/address.ts';
import type { CommandContext } from '../context.ts';
import type { LoadedModel } from '../library.ts';

/**
 * Loads a model: a file of this machine, or an address, from which it is fetched into the cache folder.
 * @param sha256 of the model's file, where it is known
 * @throws what `fetchModel` and `load` throw
 */
export async function openModel(
  { console, library, signal }: Pick<CommandContext, 'console' | 'library' | 'signal'>,
  model: string,
  options: LoadOptions,
  sha256?: string,
): Promise<LoadedModel> {
  const { load } = await library();
  return load(await localModel({ console, signal }, model, sha256), options);
}

/** Where a model's file lies on this machine. */
export async function localModel(
  { console, signal }: Pick<CommandContext, 'console' | 'signal'>,
  model: string,
  sha256?: string,
): Promise<string> {
  if (!isRemote(model)) return model;
  // It takes the reader of models with it.
  const { fetchModel } = await import('../../stores/fetch-model.ts');
  const { path, warnings } = await fetchModel(model, { sha256, signal });
  for (const warning of warnings) console.warn(warning);
  return path;
}
