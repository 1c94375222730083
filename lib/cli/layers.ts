import type { Command } from 'commander';
import type { LayerListing } from '../explainer.ts';
import type { Console } from './console.ts';
import type { CommandContext } from './context.ts';
import { jsonLines } from './json-lines.ts';
import { formatTable } from './table.ts';
import { shapeText } from './text.ts';

/** `onnx-cam layers MODEL`: the layers that can be explained. */
export function addLayers(program: Command, context: CommandContext): void {
  program
    .command('layers')
    .argument('<model>', 'the .onnx file')
    .summary('list the layers that can be explained')
    .description('Lists the layers that can be explained, with their shapes; the automatic choice is marked.')
    .option('--json', 'as JSON')
    .option('--debug', 'stack traces of errors')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const { load } = await context.library();
      const model = await load(path, {});
      try {
        const layers = model.layers();
        if (json) await context.console.print(...jsonLines(layers));
        else await tell(layers, context.console);
      } finally {
        await model.dispose();
      }
    });
}

async function tell(layers: readonly LayerListing[], console: Console): Promise<void> {
  if (layers.length === 0) {
    console.note('the model has no layer that can be explained: between image and class scores nothing has positions');
    return;
  }
  await console.print(...layerTable(layers));
  const chosen = layers.find(layer => layer.chosen);
  if (chosen) console.note(`* chosen automatically: ${chosen.reason}`);
}

function layerTable(layers: readonly LayerListing[]): string[] {
  const rows = layers.map(({ name, operator, shape, chosen }) => [chosen ? '*' : '', name, operator, shapeText(shape)]);
  return formatTable(['', 'layer', 'operator', 'shape'], rows);
}
