import { OnnxCamError } from '../common/errors.ts';

/**
 * A changed copy of one input: pixels `order[begin … end)` are those of `to`, all others those of `from`, all channels of a
 * pixel together. Without `to` it is `from` itself. Images and orders that several variants share are the same objects.
 */
export interface PixelVariant {
  /** [C, H, W] or [H, W, C], as the network gets it. */
  readonly from: Float32Array;
  readonly to?: Float32Array;
  /** Row-major pixel numbers, y · W + x. */
  readonly order?: Uint32Array;
  /** Default 0. */
  readonly begin?: number;
  /** Default the order's length. */
  readonly end?: number;
}

/** Variants in the addon's terms: each distinct one once. */
export interface DistinctVariants {
  readonly images: readonly Float32Array[];
  readonly orders: readonly Uint32Array[];
  /** Image, other image, order, begin and end of each distinct variant. */
  readonly items: Uint32Array;
  /** The distinct variant of each one. */
  readonly group: Int32Array;
}

/**
 * Equal variants (the same images, order and stretch of it) are one, and so are all those of an image that change nothing.
 * @param size values of an input
 * @throws `ERR_INPUT_SHAPE` for an image of another size, a stretch beyond its order or one without an order
 */
export function distinctVariants(variants: readonly PixelVariant[], size: number): DistinctVariants {
  const images = new Numbering<Float32Array>();
  const orders = new Numbering<Uint32Array>();
  const known = new Map<string, number>();
  const items: number[] = [];
  const group = Int32Array.from(variants, ({ from, to, order, begin = 0, end = order?.length ?? 0 }, i) => {
    for (const image of [from, to])
      if (image && image.length !== size)
        throw shape(`changed copy ${i} has an image of ${image.length} values, the network takes ${size}`);
    if (to && !order) throw shape(`changed copy ${i} has another image, but no order of its pixels`);
    if (order && !(isPlace(begin) && isPlace(end) && begin <= end && end <= order.length))
      throw shape(`changed copy ${i} changes pixels ${begin} to ${end} of an order of ${order.length}`);
    const image = images.of(from);
    const changes = to !== undefined && to !== from && order !== undefined && begin < end;
    const item = changes ? [image, images.of(to), orders.of(order), begin, end] : [image, image, 0, 0, 0];
    const key = item.join(' ');
    const found = known.get(key) ?? known.size;
    if (found === known.size) {
      known.set(key, found);
      items.push(...item);
    }
    return found;
  });
  return { images: images.objects, orders: orders.objects, items: Uint32Array.from(items), group };
}

/** Numbers objects in the order in which they are first seen. */
class Numbering<T> {
  readonly #numbers = new Map<T, number>();

  get objects(): T[] {
    return [...this.#numbers.keys()];
  }

  of(object: T): number {
    const number = this.#numbers.get(object) ?? this.#numbers.size;
    this.#numbers.set(object, number);
    return number;
  }
}

const isPlace = (value: number) => Number.isSafeInteger(value) && value >= 0;

const shape = (message: string) => new OnnxCamError('ERR_INPUT_SHAPE', message);
