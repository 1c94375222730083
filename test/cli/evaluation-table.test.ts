import { describe, expect, it } from 'vitest';
import { evaluationTable } from '../../lib/cli/tell/evaluation-table.ts';
import { SummaryBuilder } from '../../lib/evaluation/summary.ts';
import { fakeRow, METRICS } from './evaluation-rows.ts';

describe('the table of an evaluation', () => {
  it('marks no best method where there is one alone, or all are equal; small values keep their digits', async () => {
    const tableOf = async (values: Readonly<Record<string, number>>) => {
      const builder = new SummaryBuilder({ metrics: METRICS, seed: 0, resamples: 50 });
      for (const [method, value] of Object.entries(values)) builder.add(fakeRow('a', 0, method, 'insertion', value));
      return evaluationTable(await builder.summary({} as never)).slice(1, 1 + Object.keys(values).length);
    };
    expect(await tableOf({ 'grad-cam': 0.5, random: 0.4 })).toEqual(['grad-cam   0.500', 'random     0.400']);
    expect((await tableOf({ 'grad-cam': 0, 'layer-cam': 0 })).join()).not.toContain('*');
    expect(await tableOf({ 'grad-cam': 0.0072, 'layer-cam': 0.0076 })).toEqual([
      'grad-cam    0.00720',
      'layer-cam  *0.00760',
    ]);
    expect((await tableOf({ 'grad-cam': 10.46, 'layer-cam': 10.48 })).join()).toMatch(/10\.46.*\*10\.48/);
    expect((await tableOf({ 'grad-cam': 50112.3, 'layer-cam': 50096 })).join()).toMatch(/\*50112,.* 50096/);
  });

  it('is in blocks where a line is full', async () => {
    const builder = new SummaryBuilder({ metrics: METRICS, seed: 0, resamples: 50 });
    for (let index = 0; index < 3; index++)
      for (const params of ['', '{"topK":3}'])
        for (const { name } of METRICS)
          builder.add({
            ...fakeRow('a', index, 'score-cam', name, index),
            params,
            ...(index === 2 && name === 'insertion' && { value: null, reason: 'x' }),
          });
    const summary = await builder.summary({} as never);
    const lines = evaluationTable(summary, 60);
    expect(lines.filter(line => line.startsWith('method'))).toHaveLength(2);
    expect(lines[0]).toMatch(/^method +params +average-drop/);
    expect(lines.join('\n')).toContain('(2)');
    expect(lines.at(-1)).toBe('no value of insertion in up to 1 image: x');
    expect(evaluationTable(summary, 200).filter(line => line.startsWith('method'))).toHaveLength(1);
    const empty = await new SummaryBuilder({ metrics: METRICS, seed: 0 }).summary({} as never);
    expect(evaluationTable(empty)).toEqual(['no image was evaluated']);
  });
});
