import { describe, expect, it } from 'vitest';
import { CHECKS, type Check, folderOf } from './case-files.ts';
import { judge } from './judge.ts';
import { runCheck } from './run-check.ts';

async function complaintsOf(check: Check): Promise<readonly string[]> {
  const { right } = check;
  const name = right.sameAs ?? right.anyOf?.find(({ sameAs }) => sameAs)?.sameAs;
  const twin = CHECKS.find(({ id }) => id === name);
  return judge(await runCheck(check), right, folderOf(check), twin && (await runCheck(twin)));
}

describe.each([...new Set(CHECKS.map(({ id }) => id.split('/')[0]!))])('%s', folder => {
  const own = CHECKS.filter(({ id }) => id.startsWith(`${folder}/`));
  it.each(own.map(check => [check.id, check.about, check] as const))('%s: %s', async (id, _about, check) => {
    expect(await complaintsOf(check), id).toEqual([]);
  });
});
