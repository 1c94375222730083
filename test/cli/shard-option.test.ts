import { describe, expect, it } from 'vitest';
import { inputsOfPart, shardOption } from '../../lib/cli/options/shard-option.ts';

describe('shardOption', () => {
  it.each([
    ['Kubernetes', { JOB_COMPLETION_INDEX: '3', JOB_COMPLETIONS: '8' }, 3, 8],
    ['AWS Batch', { AWS_BATCH_JOB_ARRAY_INDEX: '0', AWS_BATCH_JOB_ARRAY_SIZE: '2' }, 0, 2],
    ['Slurm from 0', { SLURM_ARRAY_TASK_ID: '4', SLURM_ARRAY_TASK_MIN: '0', SLURM_ARRAY_TASK_COUNT: '5' }, 4, 5],
    ['Slurm from 1', { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '5' }, 4, 5],
    [
      'Slurm in steps',
      {
        SLURM_ARRAY_TASK_ID: '30',
        SLURM_ARRAY_TASK_MIN: '10',
        SLURM_ARRAY_TASK_MAX: '50',
        SLURM_ARRAY_TASK_STEP: '10',
        SLURM_ARRAY_TASK_COUNT: '5',
      },
      2,
      5,
    ],
  ])('reads what %s says', (_, environment, index, count) => {
    expect(shardOption(undefined, environment)?.part).toEqual({ index, count });
    expect(shardOption('1/9', environment)?.part).toEqual({ index: 1, count: 9 });
    expect(shardOption(false, environment)).toBeUndefined();
  });

  it.each([
    { JOB_COMPLETION_INDEX: '3' },
    { JOB_COMPLETION_INDEX: '8', JOB_COMPLETIONS: '8' },
    { AWS_BATCH_JOB_ARRAY_INDEX: '1', AWS_BATCH_JOB_ARRAY_SIZE: 'many' },
    { SLURM_ARRAY_TASK_ID: '9', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '3' },
    // What Slurm 22.05 sets for --array=3,7.
    {
      SLURM_ARRAY_TASK_ID: '3',
      SLURM_ARRAY_TASK_MIN: '3',
      SLURM_ARRAY_TASK_MAX: '7',
      SLURM_ARRAY_TASK_STEP: '1',
      SLURM_ARRAY_TASK_COUNT: '2',
    },
  ])('refuses %o: which part of how many cannot be told', environment => {
    expect(() => shardOption(undefined, environment)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  it('is none outside schedulers', () => {
    expect(shardOption(undefined, { JOB_COMPLETION_INDEX: '' })).toBeUndefined();
  });
});

describe('inputsOfPart', () => {
  const inputs = Array.from({ length: 11 }, (_, i) => i);

  it.each([0, 1])('gives every input to one of the parts that count from %i', first => {
    const parts = Array.from({ length: 4 }, (_, i) => inputsOfPart(inputs, { index: i + first, count: 4 }));
    expect(parts.flat().sort((a, b) => a - b)).toEqual(inputs);
    expect(parts.map(part => part.length).sort()).toEqual([2, 3, 3, 3]);
  });
});
