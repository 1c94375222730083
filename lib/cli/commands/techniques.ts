import type { Command } from 'commander';
import type { TechniqueInfo } from '../../techniques/list.ts';
import type { CommandContext } from '../context.ts';
import { jsonLines } from '../run/json-lines.ts';
import { formatTable } from '../tell/table.ts';

/** `onnx-cam techniques`: what sharpens the maps of any method. */
export function addTechniques(program: Command, context: CommandContext): void {
  program
    .command('techniques')
    .summary('list the techniques that sharpen maps')
    .description('Lists the techniques: name, source, what they cost, what they need.')
    .option('--json', 'everything, as JSON (parameters, aliases)')
    .action(async ({ json }: { json?: boolean }) => {
      const { listTechniques } = await context.library();
      const techniques = listTechniques();
      await context.console.print(...(json ? jsonLines(techniques) : techniqueTable(techniques)));
    });
}

function techniqueTable(techniques: readonly TechniqueInfo[]): string[] {
  const rows = techniques.map(({ name, needs, cost, paper }) => [name, needs.sizes ? 'any size' : '', cost, paper]);
  const legend = 'M the method once, F a forward pass of the network; h × w the layer.';
  return [...formatTable(['technique', 'needs', 'cost', 'source'], rows), '', legend];
}
