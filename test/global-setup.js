import { bundle } from '../scripts/support/bundle.js';

/** Writes dist/ once before the tests: those of the command start it as a process, as users do. */
export default function setup() {
  return bundle();
}
