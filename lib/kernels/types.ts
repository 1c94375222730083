/** A stack of maps, row-major [N, h, w]. */
export interface Maps {
  /** Row-major. */
  readonly data: Float32Array;
  /** Of volumes the height is that of all planes below each other. */
  readonly dims: readonly [count: number, height: number, width: number];
  /** Of volumes [N, D, h, w], which are held as [N, D·h, w]: D. */
  readonly depth?: number | undefined;
}

/** What each tool adds to max − min (docs/methods.md#min-max). */
export const NORMALIZE_EPSILONS = { pgc: 1e-7, torchcam: 1e-8, tkv: 1e-7, openvino: 1e-12, range: 0 } as const;

/**
 * Whose convention of normalisation.
 * @useDeclaredType
 */
export type NormalizeKind = keyof typeof NORMALIZE_EPSILONS;

export const NORMALIZE_KINDS = Object.keys(NORMALIZE_EPSILONS) as NormalizeKind[];

/** Options of `normalize`. */
export interface NormalizeOptions {
  /** Whose convention: pytorch-grad-cam, torchcam, tf-keras-vis, OpenVINO, or the plain range. They differ in ε only. */
  readonly kind: NormalizeKind;
  /** Instead of the convention's. */
  readonly epsilon?: number | undefined;
  /** Take max(M, 0) first. */
  readonly relu?: boolean | undefined;
}

export const INTERPOLATIONS = ['bilinear', 'align-corners', 'bicubic', 'nearest'] as const;

/** Options of `resize`. */
export interface ResizeOptions {
  /** Pixels of the result. */
  readonly width: number;
  /** Pixels of the result. */
  readonly height: number;
  /**
   * `bilinear`: half-pixel centres, as cv2 and `F.interpolate(align_corners=False)`. `align-corners`: bilinear, corners on
   * corners. `bicubic`: half-pixel centres, a = −0.75 as PyTorch and cv2; may overshoot. `nearest`: half-pixel centres.
   * None is antialiased.
   */
  readonly interpolation: (typeof INTERPOLATIONS)[number];
}

/** How one axis of the result lies over one axis of the maps. */
export interface AxisPlacement {
  /** Pixels of the result. */
  readonly length: number;
  /** Map coordinate of the centre of pixel i: (i + ½) · scale + offset; the map spans 0 to its own length. */
  readonly scale: number;
  /** In map coordinates. */
  readonly offset: number;
  /** Pixels outside [begin, end) become 0. */
  readonly begin: number;
  /** Behind the last pixel that is not 0. */
  readonly end: number;
}
