import type { ExplainResult } from '../explain/result-type.ts';
import type { TensorInput } from '../image/source.ts';
import { readNpyTensor } from '../io/npy.ts';
import type { ExplainOptions } from '../options.ts';
import type { Explanation } from '../result/explanation.ts';
import type { InputFile } from './inputs.ts';
import type { LoadedModel } from './library.ts';
import type { ResultName } from './output-files.ts';

/** One map of an input, with what its files are called. */
export interface NamedExplanation {
  readonly name: ResultName;
  readonly explanation: Explanation;
}

/** Explains one file with every method and target; results in the order images, methods, targets. */
export async function explainInput(
  model: LoadedModel,
  file: InputFile,
  options: ExplainOptions & { readonly methods: readonly string[] },
): Promise<NamedExplanation[]> {
  const image = file.isTensor ? [await readTensor(file.path)] : file.path;
  const result = await model.explain(image, options);
  // A tensor with N > 1 stands for several images.
  const images = (file.isTensor ? result : [result]) as ExplainResult[][];
  const isBatch = images.length > 1;
  return images.flatMap((methods, index) =>
    methods.flatMap(targets =>
      Array.isArray(targets)
        ? (targets as Explanation[]).map(explanation =>
            named(file, explanation, isBatch ? index : undefined, explanation.target.index),
          )
        : named(file, targets, isBatch ? index : undefined),
    ),
  );
}

function named(file: InputFile, explanation: Explanation, image?: number, target?: number): NamedExplanation {
  return { name: { stem: file.stem, image, target, method: explanation.method }, explanation };
}

/** Of float32 or of the type of the model's input, which the explainer checks. */
function readTensor(path: string): Promise<TensorInput> {
  return readNpyTensor(path);
}
