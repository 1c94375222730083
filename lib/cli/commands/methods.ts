import type { Command } from 'commander';
import type { MethodInfo } from '../../methods/list.ts';
import type { CommandContext } from '../context.ts';
import { jsonLines } from '../run/json-lines.ts';
import { formatTable } from '../tell/table.ts';

/** `onnx-cam methods`: what there is to choose from. */
export function addMethods(program: Command, context: CommandContext): void {
  program
    .command('methods')
    .summary('list the methods')
    .description('Lists the methods: name, family, paper, what they need, what they cost.')
    .option('--json', 'everything, as JSON (parameters, aliases)')
    .action(async ({ json }: { json?: boolean }) => {
      const { listMethods } = await context.library();
      const methods = listMethods();
      await context.console.print(...(json ? jsonLines(methods) : methodTable(methods)));
    });
}

function methodTable(methods: readonly MethodInfo[]): string[] {
  const rows = methods.map(({ name, family, paper, needs, cost }) => [name, family, needsText(needs), cost, paper]);
  const legend = 'F forward, B backward pass of the network, T run of the part behind the target layer.';
  return [...formatTable(['method', 'family', 'needs', 'cost', 'paper'], rows), '', legend];
}

function needsText(needs: MethodInfo['needs']): string {
  return Object.entries(needs)
    .filter(([, value]) => value)
    .map(([name]) => name)
    .join(', ');
}
