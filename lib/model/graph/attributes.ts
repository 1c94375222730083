import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type TensorProto,
} from 'onnx-buf';
import { toInt64 } from '../../common/sizes.ts';

const utf8 = new TextDecoder();
const toUtf8 = new TextEncoder();

/** The plain values attributes are made from; a `number` array becomes `ints`, use {@link floats} for floats. */
export type AttributeValue = number | readonly number[] | string | readonly string[] | AttributeProto;

/** A float attribute: a bare `number` means an integer attribute. */
export const float = (value: number): AttributeProto =>
  create(AttributeProtoSchema, { type: AttributeType.FLOAT, f: value });

export const floats = (values: readonly number[]): AttributeProto =>
  create(AttributeProtoSchema, { type: AttributeType.FLOATS, floats: [...values] });

export const tensor = (value: TensorProto): AttributeProto =>
  create(AttributeProtoSchema, { type: AttributeType.TENSOR, t: value });

/** Builds the attribute message for a plain value. */
export function toAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: toInt64(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: toUtf8.encode(value) as Uint8Array<ArrayBuffer>,
    });
  if (Array.isArray(value)) {
    if (value.length > 0 && typeof value[0] === 'string')
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRINGS,
        strings: value.map(item => toUtf8.encode(item as string) as Uint8Array<ArrayBuffer>),
      });
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.INTS,
      ints: value.map(item => toInt64(item as number)),
    });
  }
  // `create` returns its argument when that is a message already, and a spread one lacks the defaults of its prototype.
  const { $typeName: _type, $unknown: _unknown, ...fields } = value as AttributeProto;
  return create(AttributeProtoSchema, { ...fields, name });
}

/** Read-only view of a node's attributes by plain value, with the operator's default where one is missing. */
export class Attributes {
  readonly protos: readonly AttributeProto[];

  constructor(protos: readonly AttributeProto[]) {
    this.protos = protos;
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    const found = this.find(name);
    return found ? Number(found.i) : fallback;
  }

  float(name: string): number | undefined;
  float(name: string, fallback: number): number;
  float(name: string, fallback?: number): number | undefined {
    return this.find(name)?.f ?? fallback;
  }

  string(name: string): string | undefined;
  string(name: string, fallback: string): string;
  string(name: string, fallback?: string): string | undefined {
    const found = this.find(name);
    return found ? utf8.decode(found.s) : fallback;
  }

  ints(name: string): number[] | undefined;
  ints(name: string, fallback: readonly number[]): number[];
  ints(name: string, fallback?: readonly number[]): number[] | undefined {
    const found = this.find(name);
    return found ? found.ints.map(Number) : fallback && [...fallback];
  }

  floats(name: string): number[] | undefined {
    const found = this.find(name);
    return found && [...found.floats];
  }

  strings(name: string): string[] | undefined {
    return this.find(name)?.strings.map(item => utf8.decode(item));
  }

  tensor(name: string): TensorProto | undefined {
    return this.find(name)?.t;
  }

  find(name: string): AttributeProto | undefined {
    return this.protos.find(proto => proto.name === name);
  }
}
