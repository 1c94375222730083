import type { Threshold } from '../../result/threshold.ts';

export const SAVE_KINDS = ['map', 'raw', 'heatmap', 'overlay', 'mask'] as const;
export type SaveKind = (typeof SAVE_KINDS)[number];

/** Formats of heat maps and overlays, and their files' extensions. */
export const PICTURE_EXTENSION = { png: 'png', jpeg: 'jpg', webp: 'webp' } as const;
export type SaveFormat = keyof typeof PICTURE_EXTENSION;
export const SAVE_FORMATS = Object.keys(PICTURE_EXTENSION) as SaveFormat[];

/** What is written of each result. */
export interface SaveOptions {
  readonly kinds: readonly SaveKind[];
  readonly format: SaveFormat;
  /** Of JPEG and WebP. */
  readonly quality?: number | undefined;
  /** Whether boxes are found, and drawn on overlays. */
  readonly boxes?: boolean | undefined;
  /** Of boxes and masks. */
  readonly threshold?: Threshold | undefined;
  /** Whether overlays are wanted beside the files. */
  readonly draws?: boolean;
}
