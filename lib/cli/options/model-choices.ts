import { type Command, InvalidArgumentError, Option } from 'commander';
import { OnnxCamError } from '../../common/errors.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { readNpyTensor } from '../../io/npy.ts';
import type { LoadOptions } from '../../options.ts';
import { DETECTION_FORMATS, type DetectionFormatName } from '../../targets/detection.ts';

/** Which of a model's inputs and outputs are meant. */
export interface ModelChoices {
  readonly input?: string;
  readonly output?: string;
  readonly inputs?: readonly (readonly [name: string, file: string])[];
  readonly detector?: false | DetectionFormatName;
}

/** Declares the options that say which inputs and outputs of a model are meant. */
export function addModelChoices(command: Command): Command {
  return command
    .optionsGroup('Which input and output:')
    .option('--input <name>', 'the image input, for models with several')
    .option('--output <name>', 'the output with the class scores, for models with several')
    .addOption(
      new Option(
        '--inputs <name=file>',
        'a .npy file with the tensor of another input, repeated for several',
      ).argParser(namedFile),
    )
    .addOption(
      new Option(
        '--detector <format>',
        `how detections are written (${DETECTION_FORMATS.join(', ')}), or none`,
      ).argParser(detector),
    );
}

/**
 * The same as options of `load`, files read.
 * @throws `ERR_OPTION_INVALID` for a file that cannot be read
 */
export async function readModelChoices({ input, output, inputs, detector }: ModelChoices): Promise<LoadOptions> {
  const read = async ([name, file]: readonly [string, string]): Promise<[string, Tensor]> => {
    try {
      return [name, await readNpyTensor(file)];
    } catch (cause) {
      throw new OnnxCamError('ERR_OPTION_INVALID', `--inputs ${name}: ${(cause as Error).message}`, { cause });
    }
  };
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(inputs && { inputs: Object.fromEntries(await Promise.all(inputs.map(read))) }),
    ...(detector !== undefined && { detector }),
  };
}

function namedFile(text: string, previous: ModelChoices['inputs'] = []): ModelChoices['inputs'] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('expected NAME=FILE.npy.');
  return [...previous, [text.slice(0, at), text.slice(at + 1)]];
}

function detector(text: string): false | DetectionFormatName {
  if (text === 'none') return false;
  if (DETECTION_FORMATS.includes(text as DetectionFormatName)) return text as DetectionFormatName;
  throw new InvalidArgumentError(`expected none or one of ${DETECTION_FORMATS.join(', ')}.`);
}
