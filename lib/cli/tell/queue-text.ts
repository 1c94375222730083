import type { QueueStatus } from '../../queue/status.ts';
import { formatTable } from './table.ts';
import { plural } from './text.ts';

/** Chunks that are named; a queue may hold thousands that failed for one reason. */
const MOST_NAMED = 10;

/** What a queue holds, for people. */
export function statusLines({ chunks, pictures, workers }: QueueStatus): string[] {
  return [
    ...formatTable(
      ['', 'waiting', 'in work', 'done', 'failed'],
      [
        ['chunks', `${chunks.waiting}`, `${chunks.inWork}`, `${chunks.done}`, `${chunks.failed}`],
        ['pictures', `${pictures.waiting}`, '', `${pictures.done}`, `${pictures.failed + pictures.left}`],
      ],
    ),
    plural(workers, 'worker'),
  ];
}

/** The same in a few words, beside a progress bar. */
export function statusText({ chunks, pictures, workers }: QueueStatus): string {
  const failed = pictures.failed + pictures.left;
  return [
    plural(workers, 'worker'),
    `${plural(chunks.inWork, 'chunk')} in work`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(', ');
}

/** Chunks that failed as a whole, by their reasons. */
export function failureTexts({ failures }: QueueStatus): string[] {
  const named = failures
    .slice(0, MOST_NAMED)
    .map(
      ({ id, inputs, out, reason }) =>
        `failed: ${id} (${plural(inputs, 'input')}${out === null ? '' : ` for ${out}`}): ${reason}`,
    );
  const further = failures.length - named.length;
  return further > 0 ? [...named, `failed: ${further} more; --json names all`] : named;
}
