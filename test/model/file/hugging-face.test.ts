import { describe, expect, it } from 'vitest';
import type { PreprocessOptions } from '../../../lib/image/preprocess-options.ts';
import { fromConfig, fromPreprocessor } from '../../../lib/model/file/hugging-face.ts';

const HALF = { do_rescale: true, rescale_factor: 1 / 255, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

describe("Hugging Face's files", () => {
  it.each<[unknown, PreprocessOptions]>([
    // CLIP
    [
      {
        ...HALF,
        do_center_crop: true,
        crop_size: { height: 224, width: 224 },
        size: { shortest_edge: 224 },
        resample: 3,
      },
      {
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        interpolation: 'bicubic',
        size: [224, 224],
        fit: 'crop',
        resize: 224,
      },
    ],
    // Older files have plain numbers.
    [
      { ...HALF, do_center_crop: true, crop_size: 224, size: 256, resample: 2 },
      {
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        interpolation: 'bilinear',
        size: [224, 224],
        fit: 'crop',
        resize: 256,
      },
    ],
    // ConvNeXt
    [
      { size: { shortest_edge: 224 }, crop_pct: 0.875, image_mean: [0, 0, 0], image_std: [1, 1, 1] },
      { mean: [0, 0, 0], std: [1, 1, 1], size: [224, 224], fit: 'crop', cropPct: 0.875 },
    ],
    // ConvNeXT's older files; from 384 pixels on it squeezes.
    [
      { ...HALF, size: 224, crop_pct: 0.875, feature_extractor_type: 'ConvNextFeatureExtractor' },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], size: [224, 224], fit: 'crop', cropPct: 0.875 },
    ],
    [
      { ...HALF, size: { shortest_edge: 384 }, crop_pct: 0.875 },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], size: [384, 384] },
    ],
    // DeiT squeezes to 256 x 256, then takes the middle.
    ...[{ height: 256, width: 256 }, 256].map((size): [unknown, PreprocessOptions] => [
      {
        ...HALF,
        size,
        do_center_crop: true,
        crop_size: { height: 224, width: 224 },
        resample: 3,
        feature_extractor_type: 'DeiTFeatureExtractor',
      },
      {
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        interpolation: 'bicubic',
        size: [224, 224],
        fit: 'squeeze',
        resize: 256,
      },
    ]),
    [
      {
        ...HALF,
        size: { shortest_edge: 224 },
        crop_size: { height: 224, width: 224 },
        image_processor_type: 'LevitImageProcessor',
      },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], size: [224, 224], fit: 'crop', resize: 256 },
    ],
    // Nothing of a range: another source says it, or nobody.
    [{ size: 224, feature_extractor_type: 'ViTFeatureExtractor' }, { size: [224, 224] }],
    [{ do_normalize: true, size: 224 }, { size: [224, 224] }],
    // timm's own processor.
    [
      {
        image_processor_type: 'TimmWrapperImageProcessor',
        pretrained_cfg: { input_size: [3, 32, 32], mean: [0.5, 0.5, 0.5] },
      },
      { size: [32, 32], mean: [0.5, 0.5, 0.5] },
    ],
    // PoolFormer
    [
      { ...HALF, size: { shortest_edge: 224 }, crop_pct: 0.9, do_center_crop: true, crop_size: 224 },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], size: [224, 224], fit: 'crop', resize: 248 },
    ],
    // EfficientNet
    [
      { ...HALF, do_normalize: true, include_top: true },
      { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    ],
    [
      { do_rescale: true, rescale_factor: 1 / 255, image_mean: [0.5], image_std: [0.5], do_flip_channel_order: true },
      { mean: 0, std: 1, channelOrder: 'bgr' },
    ],
    // MobileViT takes BGR in 0..1.
    [
      { do_normalize: false, do_flip_channel_order: true, size: { height: 256, width: 256 } },
      { mean: 0, std: 1, channelOrder: 'bgr', size: [256, 256] },
    ],
    [
      { do_rescale: false, do_normalize: false },
      { mean: 0, std: 1, scale: 1 },
    ],
    // EfficientNet: x / 127.5 − 1
    [
      { rescale_factor: 1 / 127.5, rescale_offset: true, do_normalize: false },
      { mean: 1, std: 1, scale: 1 / 127.5 },
    ],
  ])('reads %j', (config, expected) => {
    expect(fromPreprocessor(config as never).preprocess).toEqual(expected);
  });

  it.each([
    [{ ...HALF, size: { longest_edge: 1024 }, do_pad: true }, 'size {"longest_edge":1024} is not followed'],
    [{ ...HALF, size: { shortest_edge: 800 } }, "keeps the sides' ratio"],
    [{ ...HALF, size: 224, resample: 1 }, 'filter 1 is not known'],
    [{ do_normalize: true }, 'no image_mean'],
    [
      { ...HALF, do_center_crop: true, size: { height: 256, width: 300 }, crop_size: 224 },
      'without regard to the sides',
    ],
  ])('says what it does not follow of %j', (config, says) => {
    expect(fromPreprocessor(config as never).notes!.join()).toContain(says);
  });

  it("reads timm's configuration", () => {
    const cfg = {
      input_size: [3, 240, 320],
      crop_pct: 0.9,
      interpolation: 'bicubic',
      mean: [0.1, 0.2, 0.3],
      std: [1, 1, 1],
    };
    expect(fromConfig({ label_names: ['a', 'b'], pretrained_cfg: cfg })).toEqual({
      labels: ['a', 'b'],
      preprocess: {
        size: [320, 240],
        mean: [0.1, 0.2, 0.3],
        std: [1, 1, 1],
        interpolation: 'bicubic',
        fit: 'crop',
        cropPct: 0.9,
      },
    });
    expect(fromConfig({ id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } }).labels).toBeUndefined();
  });
});
