import { create, toBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf';
import { toInt64 } from '../../common/sizes.ts';
import { type Graph, type ModelAbout, nodeToProto } from '../graph/graph.ts';
import type { ExternalPlace } from './external-data.ts';

/** What a file holds besides the graph's nodes, inputs, outputs and shapes. */
export interface Encoded {
  readonly opsets: ReadonlyMap<string, number>;
  readonly weights: readonly TensorProto[];
  readonly about?: Partial<ModelAbout> | undefined;
  readonly metadata?: ReadonlyMap<string, string>;
  /** Version of this package, where a file is for others. */
  readonly producerVersion?: string;
}

/** The bytes of an ONNX model. */
export function encodeModel(graph: Graph, encoded: Encoded): Uint8Array<ArrayBuffer> {
  const { opsets, weights, about = {}, metadata = new Map(), producerVersion = '' } = encoded;
  const { name = '', graphDocString = '', docString = '', domain = '', modelVersion = 0n } = about;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      // Before version 4 every weight had to be listed among the inputs as well.
      irVersion: graph.irVersion < 4n ? 4n : graph.irVersion,
      producerName: 'onnx-cam',
      producerVersion,
      domain,
      modelVersion,
      docString,
      opsetImport: [...opsets].map(([set, version]) =>
        create(OperatorSetIdProtoSchema, { domain: set, version: toInt64(version) }),
      ),
      metadataProps: [...metadata].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
      graph: create(GraphProtoSchema, {
        name: name || 'onnx-cam',
        docString: graphDocString,
        node: graph.nodes.map(nodeToProto),
        initializer: [...weights],
        input: graph.inputs,
        output: graph.outputs,
        valueInfo: graph.shapes,
      }),
    }),
  );
}

/** A weight that lies in another file. */
export function referTo({ name, dims, dataType }: TensorProto, place: ExternalPlace): TensorProto {
  const { location, offset, length } = place;
  return create(TensorProtoSchema, {
    name,
    dims,
    dataType,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries({ location, offset, length }).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    ),
  });
}
