/** What a name stands for. */
interface Preset {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Of models that take any. */
  readonly size?: readonly [width: number, height: number];
  /** How pictures are fitted, unless that is said too. */
  readonly how?: {
    readonly fit: 'squeeze' | 'crop' | 'letterbox';
    readonly interpolation: 'bilinear' | 'bicubic';
    readonly cropPct?: number;
    readonly padColor?: number;
  };
}

const CLIP = {
  scale: 1 / 255,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
  how: { fit: 'crop', cropPct: 1, interpolation: 'bicubic' },
} as const;

/**
 * How models are trained to see pictures; `value = (pixel · scale − mean) / std` per channel. Value ranges: imagenet (torchvision and
 * timm), inception (−1..1), unit (0..1), raw (0..255). With `how` a picture is fitted, unless that is said too: clip and openai
 * (OpenAI's `clip.load`: shorter side to size, centre crop), siglip (transformers' SiglipImageProcessor), yolo (Ultralytics'
 * LetterBox).
 */
const PRESETS = {
  imagenet: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  unit: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  raw: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  clip: CLIP,
  openai: CLIP,
  siglip: {
    scale: 1 / 255,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    how: { fit: 'squeeze', interpolation: 'bicubic' },
  },
  yolo: {
    scale: 1 / 255,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    size: [640, 640],
    how: { fit: 'letterbox', padColor: 114, interpolation: 'bilinear' },
  },
} as const satisfies Record<string, Preset>;

/**
 * Ways to see pictures by name: imagenet (torchvision, timm), inception (−1..1), unit (0..1), raw (0..255); with a way to fit them clip,
 * openai, siglip, yolo.
 * @useDeclaredType
 */
export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

export const presetOf = (name: PresetName): Preset => PRESETS[name];
