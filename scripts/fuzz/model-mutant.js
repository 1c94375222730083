import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { GRAPH_MUTATIONS } from './mutate-graph.js';
import { NODE_MUTATIONS } from './mutate-nodes.js';
import { Random } from './random.js';

const MUTATIONS = [...NODE_MUTATIONS, ...GRAPH_MUTATIONS];

/** How a mutant is explained: mostly the way everybody does, sometimes another. */
const METHODS = [
  [12, 'grad-cam'],
  [2, 'score-cam'],
  [1, 'layer-cam'],
  [1, 'eigen-cam'],
  [1, 'cam'],
  [1, 'fullgrad'],
  [1, 'attention-rollout'],
  [1, 'recipro-cam'],
  [1, 'relevance-cam'],
  [1, 'lift-cam'],
  [1, 'guided-backprop'],
];

/**
 * Mutant number `index`: its bytes, whether weights are in files beside it, how it is explained, and what was changed.
 * @param seeds as readSeeds gives them
 */
export function makeMutant(seeds, seed, index) {
  const random = new Random(seed, index);
  const { name, bytes, dims, open } = random.weighted(seeds);
  const method = random.weighted(METHODS);
  const tensor = dims.length === 5 || !dims.includes(3) || random.chance(0.25) ? dims : undefined;
  const how = { seed: name, method, tensor, size: open ? [32, 32] : undefined };
  const changes = [];
  if (random.chance(0.1)) return { ...how, onDisk: false, changes: ['bytes'], bytes: mutateBytes(bytes, random) };
  const model = fromBinary(ModelProtoSchema, bytes);
  do {
    const mutation = random.weighted(MUTATIONS);
    changes.push(`${mutation.name}: ${mutation(model, random)}`);
  } while (changes.length < 6 && random.chance(0.3));
  const written = toBinary(ModelProtoSchema, model);
  const damaged = random.chance(0.02);
  if (damaged) changes.push('bytes');
  return {
    ...how,
    onDisk: model.onDisk === true,
    changes,
    bytes: damaged ? mutateBytes(written, random) : written,
  };
}

/** Flipped bits, other bytes, parts cut out, doubled, or cut off at the end. */
function mutateBytes(bytes, random) {
  let result = Uint8Array.from(bytes);
  const times = 1 + random.below(4);
  for (let i = 0; i < times; i++) {
    // Half of the changes where the names and sizes are.
    const at = random.below(random.chance(0.5) ? Math.min(1000, result.length) : result.length);
    const length = random.below(Math.min(64, result.length - at + 1));
    switch (random.below(6)) {
      case 0:
      case 1:
        result[at] ^= 1 << random.below(8);
        break;
      case 2:
        result[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 3:
        result = join(result.subarray(0, at), result.subarray(at + length));
        break;
      case 4:
        result = join(result.subarray(0, at + length), result.subarray(at));
        break;
      default:
        if (random.chance(0.3)) result = result.slice(0, at);
        else result.fill(0xff, at, at + Math.min(length, 9));
    }
  }
  return result;
}

function join(...parts) {
  return new Uint8Array(Buffer.concat(parts));
}
