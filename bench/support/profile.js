import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from '../../build/modules/engine/session.js';
import { median } from './report.js';

const RUNS = 15;

/**
 * Every node of a model with its time in milliseconds by ONNX Runtime's own profile (median over the runs), costliest
 * first. Nodes that differentiation emitted are `backward`; copies between the runtime's layouts (ReorderInput,
 * ReorderOutput), whose names it makes up, and everything else are `forward`.
 */
export async function nodeCosts(model, options, feeds, outputs) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-profile-'));
  try {
    const profile = { enableProfiling: true, profileFilePrefix: join(folder, 'run') };
    const session = await Session.create(model, { ...options, ...profile });
    for (let run = 0; run < RUNS; run++) await session.run(feeds, outputs);
    await session.dispose();
    const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]), 'utf8'));
    return summary(events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function summary(events) {
  const nodes = new Map();
  for (const { name, dur, args } of events) {
    const shapes = args.input_type_shape.flatMap(Object.values).map(shape => shape.join('×'));
    const side = name.startsWith('grad') ? 'backward' : 'forward';
    const node = nodes.get(name) ?? { name: name.slice(0, -'_kernel_time'.length), side, op: args.op_name, shapes, times: [] };
    node.times.push(dur / 1000);
    nodes.set(name, node);
  }
  return [...nodes.values()].map(({ times, ...node }) => ({ ...node, time: median(times) })).sort((a, b) => b.time - a.time);
}

/** The same summed per operator and side. */
export function operatorCosts(nodes) {
  const kinds = new Map();
  for (const { side, op, time } of nodes) {
    const kind = kinds.get(`${side} ${op}`) ?? { side, op, count: 0, time: 0 };
    kind.count++;
    kind.time += time;
    kinds.set(`${side} ${op}`, kind);
  }
  return [...kinds.values()].sort((a, b) => b.time - a.time);
}
