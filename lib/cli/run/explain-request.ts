import type { LoadOptions } from '../../options.ts';
import type { LoadedModel } from '../library.ts';
import { fitToModel, namedMethods } from '../options/choose-methods.ts';
import { decidingFlags, type ExplainFlags, fileDigests } from '../options/explain-flags.ts';
import { explainOptions, paramValues, saveOptions } from '../options/explain-options.ts';
import { readModelChoices } from '../options/model-choices.ts';
import { loadOptions } from '../options/run-options.ts';
import type { SaveOptions } from '../options/save-option.ts';
import { oneLine } from '../tell/text.ts';
import type { FileOptions } from './explain-input.ts';

/** What is asked of a model and every input. */
export interface ExplainRequest {
  readonly load: LoadOptions;
  readonly explain: Omit<FileOptions, 'methods' | 'signal' | 'onProgress'>;
  /** Names of the methods for this model. */
  readonly chooseMethods: (model: LoadedModel) => readonly string[];
  readonly save: SaveOptions;
  /** All that decides what the results are, for the manifest. */
  readonly recorded: () => Promise<Readonly<Record<string, unknown>>>;
}

/**
 * @param note is told which methods `all` leaves out
 * @throws `ERR_USAGE`, `ERR_OPTION_INVALID`, `ERR_METHOD_UNKNOWN` for options that make no sense
 */
export async function explainRequest(flags: ExplainFlags, note: (text: string) => void): Promise<ExplainRequest> {
  const options = explainOptions(flags);
  const save = saveOptions(flags);
  const params = paramValues(flags, namedMethods(flags.method));
  return {
    load: { ...loadOptions(flags), ...(await readModelChoices(flags)) },
    explain: { ...options, params },
    chooseMethods: model => {
      const { layer, target, convention } = options;
      const { methods, leftOut } = fitToModel(flags.method, model, { layer, target, convention, params });
      for (const { method, reason } of leftOut) note(`left out: ${method}: ${oneLine(reason)}`);
      return methods;
    },
    save,
    recorded: async () => {
      const deciding = decidingFlags(flags);
      const files = await fileDigests(deciding);
      // A report needs more than `--save` says.
      return { ...deciding, save: save.kinds, ...(Object.keys(files).length > 0 && { files }) };
    },
  };
}
