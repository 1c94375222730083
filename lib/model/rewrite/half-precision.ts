import { OnnxCamError } from '../../common/errors.ts';
import { named } from '../../common/named.ts';
import { addon } from '../../engine/addon.ts';
import type { FactTable } from '../graph/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../graph/graph.ts';
import { subgraphsOf } from '../graph/subgraphs.ts';
import { codeOfType, dimsOf, makeTensorProto, readFloat32 } from '../graph/tensor-values.ts';
import { sortTopologically } from '../graph/topological-sort.ts';

/**
 * Operators that go on in float32: those that onnxconverter-common keeps (its DEFAULT_OP_BLOCK_LIST, as far as they are
 * standard operators); quantisation, whose scales are float32; what makes float32 tensors of integers or chance, and IsInf,
 * which takes halves from opset 20 on only.
 */
const KEPT: ReadonlySet<string> = new Set([
  ...['CumSum', 'Max', 'Min', 'NonMaxSuppression', 'Range', 'Resize', 'RoiAlign', 'TopK', 'Upsample'],
  ...['DequantizeLinear', 'DynamicQuantizeLinear', 'QLinearConv', 'QLinearMatMul', 'QuantizeLinear'],
  ...['ConstantOfShape', 'EyeLike', 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'IsInf'],
]);

/** Outputs that are float32 whatever the inputs are: the statistics of layer normalisation. */
const STATISTICS: Readonly<Record<string, readonly number[]>> = { LayerNormalization: [1, 2] };

/**
 * A copy of a model that computes in half precision: weights and operators in float16, inputs and outputs as they were.
 * Tensors keep their names; where an operator goes on in float32 there are casts around it.
 * @param facts of the model as it is; only their types are read
 * @throws `ERR_MODEL_UNSUPPORTED` for models with If, Loop and the like, whose bodies read tensors by name
 */
export async function toHalfPrecision(graph: Graph, facts: FactTable): Promise<Graph> {
  const body = graph.nodes.find(({ attributes }) => subgraphsOf(attributes.protos).length > 0);
  if (body)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `a model with ${body.op} cannot be converted to half precision; use precision 'fp32' or 'tf32', or convert the ` +
        'model itself',
    );
  const converter = new Converter(graph, facts);
  converter.convertNodes();
  await converter.convertWeights();
  return converter.result();
}

class Converter {
  readonly #source: Graph;
  readonly #facts: FactTable;
  readonly #target: Graph;
  readonly #nodes: GraphNode[] = [];
  /** Tensors that stay float32 under their own name. */
  readonly #float32 = new Set<string>();
  /** Weights that become float16. */
  readonly #weights = new Set<string>();
  readonly #casts = new Map<string, string>();

  constructor(graph: Graph, facts: FactTable) {
    this.#source = graph;
    this.#facts = facts;
    this.#target = graph.clone();
    for (const { name } of graph.inputs) this.#float32.add(name);
  }

  convertNodes(): void {
    for (const node of this.#source.nodes) this.#convert(node);
    // Outputs stay what they were, under their names.
    for (const { name } of this.#source.outputs)
      if (this.#isFloat(name) && !this.#float32.has(name)) this.#expose(name);
  }

  async convertWeights(): Promise<void> {
    await Promise.all(
      [...this.#weights].map(async name => {
        const proto = this.#source.initializers.get(name)!;
        const halves = await halfWeights(readFloat32(proto));
        this.#target.initializers.set(name, makeTensorProto(name, 'float16', dimsOf(proto), halves));
      }),
    );
  }

  result(): Graph {
    const { inputs, initializers } = this.#target;
    const given = new Set([...inputs.map(({ name }) => name), ...initializers.keys()]);
    this.#target.replaceNodes(sortTopologically(this.#nodes, given));
    return this.#target;
  }

  #isFloat(tensor: string): boolean {
    return this.#facts.get(tensor)?.type === 'float32';
  }

  #convert(node: GraphNode): void {
    const kept = isKept(node);
    // A cast takes whatever there is.
    const takesAny = node.op === 'Cast' && !kept;
    const type = kept ? 'float32' : 'float16';
    const inputs = node.inputs.map(input => (takesAny || !this.#isFloat(input) ? input : this.#read(input, type)));
    node.outputs.forEach((output, i) => {
      if (kept || named(STATISTICS, node.op)?.includes(i)) this.#float32.add(output);
    });
    const toFloat = takesAny && node.attributes.int('to') === codeOfType('float32');
    this.#nodes.push(
      toFloat
        ? makeNode('Cast', inputs, node.outputs, { to: codeOfType('float16') }, { name: node.name })
        : { ...node, inputs },
    );
  }

  /** The name under which a float tensor is read in a type. */
  #read(tensor: string, type: 'float16' | 'float32'): string {
    if (this.#source.initializers.has(tensor)) return this.#readWeight(tensor, type);
    if (this.#float32.has(tensor) === (type === 'float32')) return tensor;
    let cast = this.#casts.get(tensor);
    if (!cast) {
      cast = suffixed(tensor, type);
      this.#casts.set(tensor, cast);
      this.#nodes.push(makeNode('Cast', [tensor], [cast], { to: codeOfType(type) }));
    }
    return cast;
  }

  /** A weight that some read in half precision and others in float32 exists twice: no digit is lost on the latter. */
  #readWeight(name: string, type: 'float16' | 'float32'): string {
    const halved = this.#source.consumers(name).some(node => !isKept(node) && node.op !== 'Cast');
    if (halved) this.#weights.add(name);
    if (type === 'float16' || !halved) return name;
    const full = suffixed(name, 'float32');
    this.#target.initializers.set(full, { ...this.#source.initializers.get(name)!, name: full });
    return full;
  }

  /** Renames what computes an output and casts that to the output's name. */
  #expose(name: string): void {
    const half = suffixed(name, 'float16');
    const rename = (tensor: string) => (tensor === name ? half : tensor);
    this.#nodes.forEach((node, i) => {
      if (!node.inputs.includes(name) && !node.outputs.includes(name)) return;
      this.#nodes[i] = { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
    });
    this.#nodes.push(makeNode('Cast', [half], [name], { to: codeOfType('float32') }));
  }
}

const suffixed = (tensor: string, type: string): string => `${tensor}/${type}`;

const isKept = ({ op, domain }: GraphNode): boolean => domain !== '' || KEPT.has(op);

/** Off the event loop; finite values beyond ±65504 become that. */
async function halfWeights(values: Float32Array): Promise<Uint16Array<ArrayBuffer>> {
  type Halves = Uint16Array<ArrayBuffer>;
  return addon<{ halfWeights(values: Float32Array): Halves | Promise<Halves> }>().halfWeights(values);
}
