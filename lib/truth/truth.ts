import type { Size } from '../image/geometry.ts';
import type { Box } from '../targets/detection.ts';

/** A class as the truth names it: a label of the model, or a class index. */
export type TruthLabel = string | number;

/** [height, width]: 1 the object, 0 not, 255 what takes no part. */
export interface TruthMask extends Size {
  readonly data: Uint8Array;
}

/** Where the object is, in the pixels of the upright picture. */
export interface Truth {
  /** [x, y, width, height]; a box covers what lies from x to x + width, fractions too. */
  readonly boxes: readonly Box[];
  /** Of the picture's size, or of the model's input. */
  readonly mask?: TruthMask | undefined;
  readonly label?: TruthLabel | undefined;
}

/** What is known of one picture. */
export interface PictureTruth {
  /** Its file, and the place there: for messages. */
  readonly from: string;
  /** The classes of its objects, that with the largest area first; empty where none is named. */
  readonly labels: readonly TruthLabel[];
  /**
   * Its objects. Of several classes those that are wanted, else those of the first; of one class all of them, whatever is wanted.
   * @param size of the upright picture
   * @returns nothing where none of its objects is of a wanted class, or where there is none
   * @throws `ERR_TRUTH_INVALID` for an annotation of a picture of another size, and what reading a mask meets
   */
  at(size: Size, isWanted?: (label: TruthLabel) => boolean): Promise<Truth | undefined>;
}

/** Where truth comes from: a file, a folder, or the caller. */
export interface TruthSource {
  /**
   * @param input as it was given: the path of a picture, or whatever else a function of the caller's understands
   * @throws `ERR_TRUTH_INVALID` for what is damaged, or fits more than one picture
   */
  find(input: unknown): Promise<PictureTruth | undefined>;
  /** Entries of files that no picture has asked for so far. */
  unmatched(): number;
  /** What the caller should know of how files were read. */
  warnings(): readonly string[];
}

/** A mask as the caller may give it: numbers or booleans, row by row; sharp's raw form as well. */
export type GivenMask =
  | { readonly data: ArrayLike<number | boolean>; readonly width: number; readonly height: number }
  | { readonly data: ArrayLike<number>; readonly info: { readonly width: number; readonly height: number } };

/** Where the objects of one picture are, in the pixels of the upright picture; boxes, a mask, or both. */
export interface GivenTruth {
  /** [x, y, width, height] each. */
  readonly boxes?: readonly (Box | readonly number[])[] | undefined;
  /** Of the picture's size or of the model's input: 0 outside, 255 takes no part (in masks of 0 and 255 it is the object), others inside. */
  readonly mask?: GivenMask | undefined;
  /** The class of the object. */
  readonly label?: TruthLabel | undefined;
}

/**
 * Where the object is: a folder of masks or of VOC's XML, a COCO JSON file, a CSV; or the boxes and the mask themselves, of one
 * picture or as a function of the input.
 */
export type TruthInput =
  | string
  | GivenTruth
  | ((input: never) => GivenTruth | null | undefined | Promise<GivenTruth | null | undefined>);
