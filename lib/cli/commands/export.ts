import { type Command, Option } from 'commander';
import type { ExportOptions } from '../../export/export-options.ts';
import { parseTargetText } from '../../targets/parse.ts';
import type { CommandContext } from '../context.ts';
import { layerOption, paramValues } from '../options/explain-options.ts';
import { addModelChoices, type ModelChoices, readModelChoices } from '../options/model-choices.ts';
import { collect, defined, param, place } from '../options/option-values.ts';
import { addPictureOptions, loadOptions, type PictureFlags } from '../options/run-options.ts';
import { type DescribedValue, type ExportedFile, writeExported } from '../run/exported-file.ts';
import { localModel } from '../run/open-model.ts';
import { EXIT } from '../tell/failure.ts';

interface ExportFlags extends PictureFlags, ModelChoices {
  readonly method: string;
  readonly param: readonly (readonly [name: string, value: string])[];
  readonly layer?: readonly string[];
  readonly target: string;
  readonly map: 'layer' | 'input';
  readonly uint8?: boolean;
  readonly preprocess?: boolean;
  readonly out: string;
  readonly json?: boolean;
}

/** `onnx-cam export MODEL -o FILE.onnx`: the model with the explanation inside. */
export function addExport(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('export')
    .argument('<model>', 'the .onnx file, or its https:// or s3:// address')
    .summary('write the explanation into the model, for any runtime')
    .description(
      'Writes an ordinary ONNX file that gives the outputs of the model and then `saliency_map` [N,1,h,w]: it explains itself in ' +
        'every runtime (browsers, Python, C#, Java, OpenVINO), without this program.',
    )
    .optionsGroup('What to write:')
    .requiredOption(
      '-o, --out <file>',
      'the file (*.onnx); weights that the model keeps beside it stay there',
      place('a file'),
    )
    .option('-m, --method <name>', 'a method that needs no runs of changed pictures', 'grad-cam')
    .addOption(
      new Option('--param <name=value>', "the method's parameter, repeated for several")
        .argParser(param)
        .default([], 'none'),
    )
    .option(
      '-l, --layer <name>',
      'the layer, repeated for several, or stages (default: chosen as by `explain`)',
      collect,
    )
    .option(
      '-t, --target <target>',
      'a class or any fixed target of `explain`; top1: the best class of each image; input: a model input cam_class int64 [N], -1 for top1',
      'top1',
    )
    .addOption(new Option('--map <size>', 'what the map is as large as').choices(['layer', 'input']).default('layer'))
    .option('--uint8', 'the map as whole numbers 0 to 255 instead of float32 in [0, 1]')
    .option('--preprocess', 'the file takes pictures, uint8 [N,h,w,3] of any size, and resizes and scales them itself')
    .option('--json', 'what was written as a JSON object on standard output')
    .option('--debug', 'stack traces of errors');
  addModelChoices(addPictureOptions(command)).action(async (model: string, flags: ExportFlags) => {
    finish(await exportModel(context, model, flags));
  });
}

async function exportModel(context: CommandContext, address: string, flags: ExportFlags): Promise<number> {
  const { console, library, signal } = context;
  const { method, map, uint8, preprocess, out } = flags;
  const how: ExportOptions = {
    ...defined({ method, map, uint8, preprocess, layer: layerOption(flags.layer) }),
    params: paramValues(flags, [method]),
    target: flags.target === 'input' ? 'input' : parseTargetText(flags.target),
    signal,
  };
  const options = { ...loadOptions(flags), ...(await readModelChoices(flags)) };
  const model = await localModel(context, address);
  const { load } = await library();
  const loaded = await load(model, { ...options, signal });
  let file: ExportedFile;
  try {
    file = await writeExported(await loaded.export(how), { model, out, signal });
  } finally {
    await loaded.dispose();
  }
  for (const note of file.notes) console.warn(note);
  if (flags.json) await console.print(JSON.stringify({ file: out, ...file }));
  else await console.print(...lines(out, file));
  return EXIT.done;
}

function lines(out: string, { method, layer, target, inputs, outputs }: ExportedFile): string[] {
  return [
    `${out}: ${method} of ${layer} for ${target}`,
    `  in:  ${inputs.map(shown).join(', ')}`,
    `  out: ${outputs.map(shown).join(', ')}`,
  ];
}

const shown = ({ name, type, dims }: DescribedValue): string => `${name} ${type} [${dims.map(dim => dim || '?')}]`;
