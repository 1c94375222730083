import type { Command } from 'commander';
import type { LayerListing } from '../../options.ts';
import type { CommandContext } from '../context.ts';
import { addModelChoices, type ModelChoices, readModelChoices } from '../options/model-choices.ts';
import { size } from '../options/option-values.ts';
import { jsonLines } from '../run/json-lines.ts';
import { openModel } from '../run/open-model.ts';
import type { Console } from '../tell/console.ts';
import { formatTable } from '../tell/table.ts';
import { shapeText } from '../tell/text.ts';

type InputSize = readonly [width: number, height: number];

/** `onnx-cam layers MODEL`: the layers that can be explained. */
export function addLayers(program: Command, context: CommandContext): void {
  const command = program
    .command('layers')
    .argument('<model>', 'the .onnx file, or its https:// or s3:// address')
    .summary('list the layers that can be explained')
    .description('Lists the layers that can be explained, with their shapes; the automatic choice is marked.')
    .option('--json', 'as JSON')
    .option('--size <WxH>', 'size of the input, for models that take any', size)
    .option('--debug', 'stack traces of errors');
  addModelChoices(command).action(
    async (path: string, { json, size: given, ...choices }: ModelChoices & { json?: boolean; size?: InputSize }) => {
      const options = await readModelChoices(choices);
      const model = await openModel(context, path, given ? { ...options, preprocess: { size: given } } : options);
      try {
        const layers = model.layers();
        if (json) await context.console.print(...jsonLines(layers));
        else await tell(layers, context.console);
      } finally {
        await model.dispose();
      }
    },
  );
}

async function tell(layers: readonly LayerListing[], console: Console): Promise<void> {
  if (layers.length === 0) {
    console.note('the model has no layer that can be explained: between image and class scores nothing has positions');
    return;
  }
  await console.print(...layerTable(layers));
  const several = layers.filter(({ chosen }) => chosen).length > 1;
  for (const { chosen, name, reason } of layers)
    if (chosen) console.note(`* chosen automatically: ${several ? `${name}: ` : ''}${reason}`);
}

function layerTable(layers: readonly LayerListing[]): string[] {
  const rows = layers.map(({ name, operator, shape, chosen }) => [chosen ? '*' : '', name, operator, shapeText(shape)]);
  return formatTable(['', 'layer', 'operator', 'shape'], rows);
}
