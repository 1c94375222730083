import { OnnxCamError } from '../common/errors.ts';
import type { UsedPrecision } from '../engine/precision.ts';
import { checkEncoding, encodeImage, saveImage } from '../image/encode.ts';
import type { Size } from '../image/geometry.ts';
import { gridOverWhole, type MapGrid } from '../image/map-grid.ts';
import { type Plane, planePixels, refusePlane } from '../image/plane.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { LentPicture, MaskPicture, PictureView, RawPicture } from '../image/raw-picture.ts';
import type { Convention, Fusion, ParamValues } from '../methods/definition.ts';
import type { MapBox } from './boxes.ts';
import type { MapContour } from './contours.ts';
import {
  type BoxOptions,
  type ContourOptions,
  type CropOptions,
  checkDecision,
  type MaskOptions,
  type PeakOptions,
} from './decision-options.ts';
import { boxesOf, contoursOf, cropOf, type DecisionView, maskOf, peaksOf } from './decisions.ts';
import { drawHeatmap, drawOverlay } from './drawings.ts';
import type {
  AppliedTechnique,
  Concepts,
  ExplainedLayer,
  ExplainedTarget,
  ExplanationFields,
  HeatMap,
  Prediction,
  RawMap,
  Runs,
  Timings,
} from './explanation-fields.ts';
import {
  checkOutput,
  filePath,
  OUTPUT_OPTIONS,
  type OutputOptions,
  type RenderOptions,
  type ValueRange,
} from './output-options.ts';
import type { MapPeak } from './peaks.ts';
import type { MapStatus } from './status.ts';

/** What a map was made of by stretching it to [0, 1]: the method's values after the ReLU, of several layers their mean. */
export interface MapValues {
  /** The least and the largest; null where one is not finite. */
  range(): Promise<ValueRange | null>;
  /** As large as the map, 0 at the first and 1 at the second value of a range, and outside what the network saw; cut off beyond. */
  within(range: ValueRange): Promise<HeatMap>;
}

/** What overlays are drawn on, and what else is made of a map on demand. */
export interface Background {
  readonly values: MapValues;
  /** The map at the size of the model's input; null for volumes. */
  readonly atInput: (() => Promise<HeatMap>) | null;
  /** The original picture, as large as overlays or at its own size; of volumes one plane. */
  readonly picture: (view?: PictureView) => Promise<LentPicture>;
  /** The map over that picture, where it isn't made for its size. */
  readonly onPicture?: ((map: HeatMap) => Promise<HeatMap>) | undefined;
  /** How the map lies over the original picture; without it, pixel on pixel. */
  readonly grid?: ((map: Size) => MapGrid) | undefined;
}

/** One map with everything that is known about how it came to be. */
export class Explanation implements ExplanationFields {
  declare readonly map: HeatMap;
  declare readonly raw: RawMap;
  declare readonly target: ExplainedTarget;
  declare readonly predictions: readonly Prediction[];
  declare readonly layer: ExplainedLayer | readonly ExplainedLayer[];
  declare readonly method: string;
  declare readonly convention: Convention;
  declare readonly fusion: Fusion | null;
  declare readonly params: ParamValues;
  declare readonly technique: AppliedTechnique | readonly AppliedTechnique[] | null;
  declare readonly concepts: Concepts | null;
  declare readonly preprocess: ResolvedPreprocess | null;
  declare readonly precision: UsedPrecision | 'int8';
  declare readonly cleanScoreMoved: number | null;
  declare readonly status: MapStatus;
  declare readonly reason: string | null;
  declare readonly warnings: readonly string[];
  declare readonly timings: Timings;
  declare readonly runs: Runs;
  readonly #background: Background;

  /** @internal */
  constructor(fields: ExplanationFields, background: Background) {
    Object.assign(this, fields);
    this.#background = background;
  }

  /**
   * The map at the size of the model's input, as its convention has it there: what metrics judge. It is not that of the
   * picture's map, which has been cut or stretched to the picture.
   * @throws `ERR_INPUT_SHAPE` for volumes
   * @internal
   */
  static atInput(explanation: Explanation): Promise<HeatMap> {
    const { atInput } = explanation.#background;
    if (!atInput) throw new OnnxCamError('ERR_INPUT_SHAPE', 'metrics judge maps of pictures, not of volumes');
    return atInput();
  }

  /**
   * The map in colour, as a sharp-shaped raw picture; of a volume one plane.
   * @throws `ERR_OPTION_INVALID` for an unknown colour map, or a plane that isn't there
   */
  async heatmap(options: RenderOptions = {}): Promise<RawPicture> {
    checkOutput(options, 'heatmap');
    return this.#render({ ...options, kind: 'heatmap' });
  }

  /**
   * The map in colour over the original picture: alpha · colour + (1 − alpha) · picture.
   * @throws `ERR_OPTION_INVALID`; `ERR_IMAGE_NOT_FOUND`, `ERR_IMAGE_INVALID` where a large picture is decoded again and is no more what
   * it was
   */
  async overlay(options: RenderOptions = {}): Promise<RawPicture> {
    checkOutput(options, 'overlay');
    return this.#render(options);
  }

  /**
   * Writes the overlay (or the heat map) in the format of the path's extension, or of `format`. Missing folders are made; the file
   * appears whole or not at all.
   * @param path a path or `file:` URL
   * @throws `ERR_OUTPUT` when it cannot be written, `ERR_OPTION_INVALID` for an unknown extension, option or colour map.
   */
  async toFile(path: string | URL, options: OutputOptions = {}): Promise<void> {
    checkOutput(options, 'toFile', OUTPUT_OPTIONS);
    const file = filePath(path);
    const encoding = checkEncoding(options, file);
    await saveImage(file, await this.#render(options), encoding);
  }

  /**
   * The encoded picture; PNG unless `format` says otherwise.
   * @throws `ERR_OPTION_INVALID`, and what `overlay` throws
   */
  async toBuffer(options: OutputOptions = {}): Promise<Buffer> {
    checkOutput(options, 'toBuffer', OUTPUT_OPTIONS);
    const encoding = checkEncoding(options);
    return encodeImage(await this.#render(options), encoding);
  }

  /**
   * The least and the largest of the values that the map shows, before they were stretched to [0, 1]: `raw` after the ReLU, of several
   * layers their mean. With it as `range` of `overlay`, `heatmap`, `toFile` and `toBuffer`, colours mean the same in several pictures.
   * @returns null where a value is not finite
   */
  async range(): Promise<ValueRange | null> {
    return this.#background.values.range();
  }

  /**
   * Boxes around the connected parts of what lies above a threshold, in the original picture's pixels; none where the status is not
   * 'ok'. Of a map of another size they are rounded outwards.
   * @throws `ERR_OPTION_INVALID`
   */
  async boxes(options: BoxOptions = {}): Promise<MapBox[]> {
    checkDecision('boxes', options);
    return boxesOf(this.#view(options), options);
  }

  /**
   * The places where the map is largest, in the original picture's pixels; none where the status is not 'ok'.
   * @throws `ERR_OPTION_INVALID`
   */
  async peaks(options: PeakOptions = {}): Promise<MapPeak[]> {
    checkDecision('peaks', options);
    return peaksOf(this.#view(options), options);
  }

  /**
   * What lies above a threshold, 255, as a sharp-shaped raw picture of the overlay's size; all 0 where the status is not 'ok'.
   * @throws `ERR_OPTION_INVALID`
   */
  async mask(options: MaskOptions = {}): Promise<MaskPicture> {
    checkDecision('mask', options);
    return maskOf(this.#view(options), options);
  }

  /**
   * A box cut out of the original picture at its own size, by default around the largest part of the map; sharp-shaped.
   * @throws `ERR_OPTION_INVALID`, also where there is no such part
   */
  async crop(options: CropOptions = {}): Promise<RawPicture> {
    checkDecision('crop', options);
    return cropOf(this.#view(options), options);
  }

  /**
   * Polygons around the parts of `mask()`, the largest first, in the original picture's coordinates; none where the status is not 'ok'.
   * @throws `ERR_OPTION_INVALID`
   */
  async contours(options: ContourOptions = {}): Promise<MapContour[]> {
    checkDecision('contours', options);
    return contoursOf(this.#view(options), options);
  }

  /** Everything but pixels: what a manifest or a log wants. */
  toJSON(): Omit<ExplanationFields, 'map' | 'raw'> & {
    map: { width: number; height: number; dims?: readonly number[] };
    raw: { dims: readonly number[] };
  } {
    return {
      method: this.method,
      target: this.target,
      predictions: this.predictions,
      layer: this.layer,
      status: this.status,
      reason: this.reason,
      warnings: this.warnings,
      convention: this.convention,
      fusion: this.fusion,
      params: this.params,
      technique: this.technique,
      concepts: this.concepts,
      preprocess: this.preprocess,
      precision: this.precision,
      cleanScoreMoved: this.cleanScoreMoved,
      map: { width: this.map.width, height: this.map.height, ...(this.map.dims && { dims: this.map.dims }) },
      raw: { dims: this.raw.dims },
      timings: this.timings,
      runs: this.runs,
    };
  }

  #plane(map: HeatMap, options: Plane): HeatMap {
    const { data, dims } = map;
    if (!dims) {
      refusePlane(options);
      return map;
    }
    const { width, height, at } = planePixels(dims, options);
    const shown = new Float32Array(width * height);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) shown[y * width + x] = data[at(y, x)]!;
    return { data: shown, width, height };
  }

  #view(plane: Plane, whole = this.map): DecisionView {
    const { picture, onPicture, grid } = this.#background;
    const map = this.#plane(whole, plane);
    return {
      verdict: this,
      map,
      grid: grid?.(map) ?? gridOverWhole(map, map),
      overPicture: async () => onPicture?.(map) ?? map,
      original: async () => (await picture({ ...plane, ownSize: true })).picture,
    };
  }

  async #render({ kind, range, ...options }: OutputOptions): Promise<RawPicture> {
    const view = this.#view(options);
    const isShown = range === undefined || this.status === 'not-finite';
    const colours = isShown ? view : this.#view(options, await this.#background.values.within(range));
    if (kind === 'heatmap') return drawHeatmap(colours, view, options);
    return drawOverlay(colours, view, () => this.#background.picture(options), options);
  }
}
