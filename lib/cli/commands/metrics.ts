import type { Command } from 'commander';
import { ARROWS } from '../../evaluation/summary-table.ts';
import type { MetricInfo } from '../../metrics/list.ts';
import type { CommandContext } from '../context.ts';
import { jsonLines } from '../run/json-lines.ts';
import { formatTable } from '../tell/table.ts';

/** `onnx-cam metrics`: what maps can be judged by. */
export function addMetrics(program: Command, context: CommandContext): void {
  program
    .command('metrics')
    .summary('list the metrics')
    .description('Lists the metrics: name, family, which way is better, what they need, what they cost.')
    .option('--json', 'everything, as JSON (parameters, aliases)')
    .action(async ({ json }: { json?: boolean }) => {
      const { listMetrics } = await context.library();
      const metrics = listMetrics();
      await context.console.print(...(json ? jsonLines(metrics) : metricTable(metrics)));
    });
}

function metricTable(metrics: readonly MetricInfo[]): string[] {
  const rows = metrics.map(({ name, family, direction, needs, cost, source }) => [
    name,
    family,
    ARROWS[direction],
    needsText(needs),
    cost,
    source,
  ]);
  return [...formatTable(['metric', 'family', '', 'needs', 'cost', 'source'], rows), '', ...LEGEND];
}

const LEGEND = [
  '↑ higher is better, ↓ lower is. F forward pass of the network, M the method once more; other names are parameters (--json).',
  'the method: what made the map, `measure --method`; truth: a mask or boxes, `--truth`.',
];

function needsText({ scores, explanations, truth, randomized }: MetricInfo['needs']): string {
  const needs = [
    scores && 'scores',
    explanations && 'the method',
    truth && (truth === 'boxes' ? 'boxes' : 'truth'),
    randomized && 'random weights',
  ];
  return needs.filter(Boolean).join(', ') || '–';
}
