import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  TypeProto_SequenceSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { expect } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { describeInput } from '../../lib/model/find/input.ts';
import { probeFacts } from '../../lib/model/probe/probe-facts.ts';
import { resolveControlFlow } from '../../lib/model/rewrite/control-flow/resolve.ts';
import { float32, relativeError, runGraph } from '../autodiff/harness.ts';
import { buildGraph, buildModel, type ModelSpec, noise, valueInfo } from './model-builder.ts';
import { createOrtSession } from './ort-session.ts';

export const body = (g: GraphProto) => create(AttributeProtoSchema, { type: AttributeProto_AttributeType.GRAPH, g });
/** A sequence of tensors. */
export const list = (name: string) => {
  const elemType = valueInfo({ name }).type!;
  const value = create(TypeProto_SequenceSchema, { elemType });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'sequenceType', value } }),
  });
};

export const scalar = (value: number) => ({ dims: [], type: 'int64' as const, data: [value] });
export const flag = (value: number) => ({ dims: [], type: 'bool' as const, data: Uint8Array.of(value) });
export const inner = (spec: Pick<ModelSpec, 'nodes'> & Partial<ModelSpec>) =>
  body(buildGraph({ inputs: [], outputs: [], ...spec }));

export const model = (spec: Pick<ModelSpec, 'nodes'> & Partial<ModelSpec>) =>
  buildModel({ inputs: [{ name: 'x', dims: ['N', 3, 4, 6] }], outputs: [{ name: 'y' }], ...spec });

export async function resolved(bytes: Uint8Array) {
  const graph = parseModel(bytes);
  const probe = { input: describeInput(graph, {}) };
  const { graph: plain, assumptions } = await resolveControlFlow(graph, createOrtSession, probe);
  return { original: graph, plain, assumptions, probe, ops: plain.nodes.map(({ op }) => op) };
}

/** Gradient of Σ y by the emitted nodes, for a batch of two. */
export async function gradientOf(bytes: Uint8Array) {
  const { original, plain, probe } = await resolved(bytes);
  const x = float32([2, 3, 4, 6], noise([2, 3, 4, 6], 3).data);
  const [before, after] = [await runGraph(original, { x }, ['y']), await runGraph(plain, { x }, ['y'])];
  expect(relativeError(after.y!.data as Float32Array, before.y!.data as Float32Array)).toBeLessThan(1e-6);
  expect(after.y!.dims).toEqual(before.y!.dims);
  const facts = await probeFacts(plain, createOrtSession, probe);
  const { dims } = after.y!;
  plain.inputs.push(valueInfo({ name: 'seed', dims }));
  const { gradients } = differentiate({ graph: plain, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'] });
  const ones = float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1));
  const name = gradients.get('x')!;
  return { x: x.data, gradient: (await runGraph(plain, { x, seed: ones }, [name]))[name]!.data as Float32Array };
}

export const expectGradient = async (bytes: Uint8Array, slope: (x: number, index: number) => number) => {
  const { x, gradient } = await gradientOf(bytes);
  expect(relativeError(gradient, Array.from(x, slope))).toBeLessThan(1e-5);
};
