import { checkNames, checkObject, checkOneOf, invalid } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import type { MethodOptions } from '../methods/choose.ts';
import { checkExplainOptions, type ExplainOptions } from '../options.ts';
import type { TargetInput } from '../targets/target.ts';

/** Options of `export`. */
export interface ExportOptions
  extends Pick<MethodOptions, 'method' | 'params'>,
    Pick<ExplainOptions, 'layer' | 'signal'> {
  /**
   * What the map explains: a target as of `explain`, 'top1' (default: the class with the largest logit, found in the graph), or
   * 'input', which adds the input `cam_class` int64 [N] to the model: a class for each image, −1 for the largest logit.
   */
  target?: TargetInput | 'input' | undefined;
  /** What the map is as large as: the layer (default) or the model's input. */
  map?: 'layer' | 'input' | undefined;
  /** The map as uint8, 0 to 255, instead of float32 in [0, 1]. */
  uint8?: boolean | undefined;
  /** The model takes pictures, uint8 [N,h,w,3] of any size in RGB, and resizes and scales them itself. */
  preprocess?: boolean | undefined;
}

const OWN = ['method', 'params', 'layer', 'signal', 'target', 'map', 'uint8', 'preprocess'] as const;

/** @throws `ERR_OPTION_INVALID` with what was expected and what came */
export function checkExportOptions(options: ExportOptions): void {
  checkObject(options, 'export');
  checkNames(options, [...OWN] satisfies (keyof ExportOptions)[], 'export');
  const { method, params, layer, signal, map, uint8, preprocess } = options;
  checkExplainOptions({ method, params, layer, signal }, 'export');
  checkOneOf('map', map, ['layer', 'input']);
  for (const [name, value] of Object.entries({ uint8, preprocess }))
    if (value !== undefined && typeof value !== 'boolean')
      throw invalid(`\`${name}\` is true or false, not ${shown(value)}`);
}
