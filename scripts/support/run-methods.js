// What each method gives on one picture: { status }, or { code, message } of its error.
import { listMethods } from '../../dist/index.js';

/** Parameters that keep the runs few. */
const FEW_RUNS = { topK: 8, n: 2, groups: 4, references: 1 };

function fewRuns(names) {
  const known = new Set(listMethods().flatMap(({ name, params }) => (names.includes(name) ? Object.keys(params) : [])));
  return Object.fromEntries(Object.entries(FEW_RUNS).filter(([name]) => known.has(name)));
}

/** Methods that can be run share one call, unless it fails: then each is tried by itself. */
export async function runMethods(cam, image, names, target) {
  // What a graph of the user's makes of the outputs is known when it has been read.
  const refused = target?.kind === 'graph' ? new Map() : cam.unsupported(names, { target });
  const results = Object.fromEntries([...refused].map(([name, problem]) => [name, outcome(problem)]));
  const left = names.filter(name => !refused.has(name));
  const explain = several =>
    cam.explain(image, { methods: several, params: fewRuns(several), target, signal: AbortSignal.timeout(600_000) });
  try {
    for (const found of await explain(left)) results[found.method] = { status: found.status };
  } catch {
    for (const name of left)
      try {
        const [found] = await explain([name]);
        results[name] = { status: found.status };
      } catch (problem) {
        results[name] = outcome(problem);
      }
  }
  return results;
}

const outcome = ({ code = 'none', message }) => ({ code, message });
