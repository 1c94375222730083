import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ZERO_GRADIENT } from '../lib/autodiff/path.ts';
import { WHY_NO_RULE } from '../lib/autodiff/reasons.ts';
import { gradientRules } from '../lib/autodiff/rules/index.ts';
import { RESOLVED_OPERATORS } from '../lib/model/rewrite/control-flow/resolve.ts';
import { MICROSOFT, STANDARD } from '../lib/model/rewrite/lowering/lower.ts';
// @ts-expect-error scripts are plain JavaScript
import { operatorsPage } from '../scripts/operators/page.js';

it('docs/operators.md is what scripts/make-operators-table.js prints', () => {
  const page = readFileSync(new URL('../docs/operators.md', import.meta.url), 'utf8');
  const printed = operatorsPage({
    rules: new Set(gradientRules.keys()),
    zero: ZERO_GRADIENT,
    lowered: new Set(Object.keys(STANDARD)),
    microsoft: new Set(Object.keys(MICROSOFT)),
    resolved: RESOLVED_OPERATORS,
    reasons: WHY_NO_RULE,
  });
  expect(page, 'run: npm run build && node scripts/make-operators-table.js').toBe(printed);
});

it('no operator has both a rule and a reason for having none', () => {
  for (const name of Object.keys(WHY_NO_RULE)) expect(gradientRules.has(name), name).toBe(false);
});
