// Writes docs/operators.md from the library's tables: npm run build && node scripts/make-operators-table.js
import { writeFileSync } from 'node:fs';
import { ZERO_GRADIENT } from '../build/modules/autodiff/path.js';
import { WHY_NO_RULE } from '../build/modules/autodiff/reasons.js';
import { gradientRules } from '../build/modules/autodiff/rules/index.js';
import { RESOLVED_OPERATORS } from '../build/modules/model/rewrite/control-flow/resolve.js';
import { MICROSOFT, STANDARD } from '../build/modules/model/rewrite/lowering/lower.js';
import { operatorsPage } from './operators/page.js';

const page = operatorsPage({
  rules: new Set(gradientRules.keys()),
  zero: ZERO_GRADIENT,
  lowered: new Set(Object.keys(STANDARD)),
  microsoft: new Set(Object.keys(MICROSOFT)),
  resolved: RESOLVED_OPERATORS,
  reasons: WHY_NO_RULE,
});
writeFileSync(new URL('../docs/operators.md', import.meta.url), page);
