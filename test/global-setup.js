import { bundle } from '../scripts/support/bundle.js';
import { bundleWeb } from '../scripts/support/web.js';

/** Writes dist/ once before the tests: those of the command start it as a process, as users do. */
export default async function setup() {
  await Promise.all([bundle(), bundleWeb()]);
}
