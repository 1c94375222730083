import { Emitter } from '../../lib/autodiff/emitter.ts';
import { Session } from '../../lib/engine/session.ts';
import type { TensorType } from '../../lib/engine/tensor.ts';
import { appendPicture, type PictureTarget } from '../../lib/export/picture/picture-in.ts';
import type { ResolvedPreprocess } from '../../lib/image/preprocess-options.ts';
import { writeModel } from '../../lib/model/file/write-model.ts';
import { type Graph, makeNode } from '../../lib/model/graph/graph.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { graphOf } from '../autodiff/harness.ts';

export interface PictureGraphOptions {
  readonly opset?: number;
  /** What of the model's input is not as the preprocessing says. */
  readonly input?: Partial<PictureTarget>;
}

/** A model that is a picture's preprocessing alone: `picture` uint8 [N, h, w, 3] in, `values` out. */
export function pictureGraph(preprocess: ResolvedPreprocess, { opset = 17, input }: PictureGraphOptions = {}): Graph {
  const graph = graphOf({
    nodes: [['Identity', ['picture'], ['same']]],
    inputs: { picture: ['N', 'h', 'w', 3] },
    inputType: 'uint8',
    opset,
  });
  const picture = { name: 'picture', type: 'uint8' as const, dims: [-1, -1, -1, 3] };
  const emit = new Emitter(graph, new Map([['picture', picture]]), 'pre');
  const [width, height] = preprocess.size;
  const { channels, layout } = preprocess;
  const made = appendPicture(emit, picture, { channels, width, height, layout, ...input }, preprocess);
  graph.append(makeNode('Identity', [made.name], ['values']));
  // Sizes as they were claimed: the runtime would say where they are others.
  const named = made.dims.map((size, axis) => (axis === 0 ? 'N' : size));
  graph.outputs.splice(0, graph.outputs.length, makeValueInfo('values', made.type, named));
  return graph;
}

/** Pictures of one size, one behind the other. */
export interface Pictures {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** [count, height, width, 3] */
  readonly data: Uint8Array;
}

/** What the graph makes of the pictures. */
export async function preprocessed(
  graph: Graph,
  ...all: readonly Pictures[]
): Promise<{ readonly type: TensorType; readonly dims: readonly number[]; readonly data: Float32Array }[]> {
  const session = await Session.create(writeModel(graph));
  try {
    const made = [];
    for (const { count, width, height, data } of all) {
      const feeds = { picture: { type: 'uint8' as const, dims: [count, height, width, 3], data } };
      const { values } = await session.run(feeds, ['values'], { copyOutputs: true });
      made.push({ ...values!, data: values!.data as Float32Array });
    }
    return made;
  } finally {
    await session.dispose();
  }
}
