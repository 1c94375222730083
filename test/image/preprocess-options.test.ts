import { describe, expect, it } from 'vitest';
import { resolvePreprocess } from '../../lib/image/preprocess-options.ts';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], scale: 1 / 255 };

describe('resolvePreprocess', () => {
  it('is ImageNet at 224x224, squeezed, unless something else is said', () => {
    expect(resolvePreprocess(undefined)).toEqual({
      preset: 'imagenet',
      ...IMAGENET,
      scaleGiven: false,
      range: null,
      size: [224, 224],
      fit: 'squeeze',
      resize: null,
      cropPct: null,
      padColor: null,
      interpolation: 'bilinear',
      channelOrder: 'rgb',
      layout: 'nchw',
      channels: 3,
    });
  });

  it('knows the presets', () => {
    expect(resolvePreprocess('inception')).toMatchObject({
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      scale: 1 / 255,
    });
    expect(resolvePreprocess(undefined, { type: 'uint8' })).toMatchObject({ preset: 'raw', scale: 1, std: [1, 1, 1] });
    expect(resolvePreprocess('unit', { type: 'uint8' })).toMatchObject({ preset: 'unit', scale: 1 / 255 });
    expect(resolvePreprocess('unit')).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255 });
    expect(resolvePreprocess('raw')).toMatchObject({ preset: 'raw', mean: [0, 0, 0], std: [1, 1, 1], scale: 1 });
    expect(resolvePreprocess({ preset: 'raw', fit: 'crop' })).toMatchObject({ preset: 'raw', scale: 1, fit: 'crop' });
  });

  it('knows how CLIP, SigLIP and YOLO see pictures, to the digit of their sources', () => {
    const clip = {
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
      ...{ scale: 1 / 255, size: [224, 224], fit: 'crop', cropPct: 1, resize: null, interpolation: 'bicubic' },
    };
    expect(resolvePreprocess('clip')).toMatchObject({ preset: 'clip', ...clip });
    expect(resolvePreprocess('openai')).toMatchObject({ preset: 'openai', ...clip });
    const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], scale: 1 / 255 };
    expect(resolvePreprocess('siglip')).toMatchObject({ ...half, fit: 'squeeze', interpolation: 'bicubic' });
    const yolo = { mean: [0, 0, 0], std: [1, 1, 1], scale: 1 / 255, fit: 'letterbox', padColor: [114, 114, 114] };
    expect(resolvePreprocess('yolo')).toMatchObject({ ...yolo, size: [640, 640], interpolation: 'bilinear' });
    expect(resolvePreprocess('yolo', { width: 320, height: 256 })).toMatchObject({ ...yolo, size: [320, 256] });
    expect(resolvePreprocess({ preset: 'yolo', size: [96, 64] }).size).toEqual([96, 64]);
  });

  it('lets what stands beside the name of a preset win, and what options say', () => {
    expect(resolvePreprocess({ preset: 'clip', resize: 248 })).toMatchObject({ resize: 248, cropPct: null });
    expect(resolvePreprocess({ preset: 'clip', interpolation: 'bilinear' }).interpolation).toBe('bilinear');
    expect(resolvePreprocess({ preset: 'clip', fit: 'squeeze' })).toMatchObject({ fit: 'squeeze', cropPct: null });
    expect(resolvePreprocess({ preset: 'clip', padColor: 0 })).toMatchObject({ fit: 'letterbox', cropPct: null });
    expect(resolvePreprocess({ preset: 'yolo', padColor: 0 })).toMatchObject({ padColor: [0, 0, 0] });
    expect(resolvePreprocess({ preset: 'yolo', fit: 'squeeze' })).toMatchObject({ fit: 'squeeze', padColor: null });
    expect(resolvePreprocess({ preset: 'yolo', cropPct: 0.9 })).toMatchObject({ fit: 'crop', padColor: null });
    // Over a file that says something else, and under options that do.
    const side = { fit: 'crop', resize: 256, interpolation: 'bicubic' };
    expect(resolvePreprocess('yolo', {}, side)).toMatchObject({
      fit: 'letterbox',
      resize: null,
      interpolation: 'bilinear',
    });
    expect(resolvePreprocess('siglip', {}, side)).toMatchObject({ fit: 'squeeze', resize: null });
    expect(resolvePreprocess('clip', {}, side)).toMatchObject({ fit: 'crop', resize: null, cropPct: 1 });
    expect(resolvePreprocess('imagenet', {}, 'yolo')).toMatchObject({ preset: 'imagenet', fit: 'letterbox' });
    expect(resolvePreprocess({ fit: 'squeeze' }, {}, 'clip')).toMatchObject({
      preset: 'clip',
      fit: 'squeeze',
      cropPct: null,
    });
    expect(() => resolvePreprocess('sigclip' as never)).toThrow(/did you mean.*siglip/);
  });

  it('takes range in the place of scale, from whichever says it last', () => {
    const beside = { scale: 1 / 4095, mean: 0.4, std: 0.2 };
    expect(resolvePreprocess({ range: [0, 4095] }, {}, beside)).toMatchObject({
      range: [0, 4095],
      scaleGiven: false,
      mean: [0.4, 0.4, 0.4],
    });
    expect(resolvePreprocess({ scale: 2 }, {}, { range: [0, 4095] })).toMatchObject({ range: null, scaleGiven: true });
    expect(resolvePreprocess({ range: [0, 1], preset: 'raw' })).toMatchObject({ range: [0, 1], preset: 'raw' });
    expect(() => resolvePreprocess({ range: [0, 1], scale: 1 })).toThrow(/range or scale, not both/);
    for (const range of [[1, 1], [1], 'auto', [0, Number.NaN]])
      expect(() => resolvePreprocess({ range } as never)).toThrow(/range needs \[low, high\]/);
  });

  it('knows how a crop and a letterbox are made', () => {
    expect(resolvePreprocess({ fit: 'crop', resize: 256 })).toMatchObject({ resize: 256, cropPct: null });
    expect(resolvePreprocess({ fit: 'crop', cropPct: 0.9 }, {}, { resize: 256 })).toMatchObject({
      resize: null,
      cropPct: 0.9,
    });
    expect(resolvePreprocess('unit', {}, { fit: 'letterbox', padColor: 114 }).padColor).toEqual([114, 114, 114]);
    expect(() => resolvePreprocess({ fit: 'letterbox', resize: 256 })).toThrow(/belongs to the fits 'crop' and/);
    expect(() => resolvePreprocess({ fit: 'crop', padColor: 114 })).toThrow(/belongs to the fit 'letterbox'/);
    expect(() => resolvePreprocess({ fit: 'crop', resize: 256, cropPct: 0.9 })).toThrow(/resize or cropPct/);
    for (const bad of [{ resize: 0 }, { cropPct: 1.2 }, { padColor: [1, 2] }, { padColor: 300 }])
      expect(() => resolvePreprocess(bad)).toThrow(/needs/);
  });

  it('takes the fit that is meant, and no cut from what a later fit replaces', () => {
    expect(resolvePreprocess({ resize: 256 })).toMatchObject({ fit: 'crop', resize: 256 });
    expect(resolvePreprocess({ cropPct: 0.9 })).toMatchObject({ fit: 'crop', cropPct: 0.9 });
    expect(resolvePreprocess({ padColor: 0 })).toMatchObject({ fit: 'letterbox', padColor: [0, 0, 0] });
    const squeezed = { fit: 'squeeze', resize: 256 } as const;
    expect(resolvePreprocess(squeezed)).toMatchObject(squeezed);
    expect(resolvePreprocess({ fit: 'squeeze' }, {}, { fit: 'crop', resize: 256 }).resize).toBeNull();
    expect(resolvePreprocess('unit', {}, squeezed)).toMatchObject(squeezed);
    expect(resolvePreprocess({ resize: 300 }, {}, { fit: 'letterbox' })).toMatchObject({ fit: 'crop', resize: 300 });
  });

  it('takes size and layout from the model', () => {
    const input = { width: 320, height: 240, channels: 3, layout: 'nhwc' } as const;
    expect(resolvePreprocess(undefined, input)).toMatchObject({ size: [320, 240], layout: 'nhwc' });
    expect(resolvePreprocess({ size: [320, 240] }, input).size).toEqual([320, 240]);
    expect(resolvePreprocess({ size: [99, 77] }, { channels: 3 }).size).toEqual([99, 77]);
    expect(() => resolvePreprocess({ size: [240, 320] }, input)).toThrow(/240x320.*fixed at 320x240/);
    expect(() => resolvePreprocess({ size: [64, 99] }, { height: 64 })).toThrow(/fixed at anyx64/);
  });

  it('lets options win over the side file, property by property', () => {
    const sidecar = { preset: 'inception', fit: 'letterbox', size: [300, 300] };
    expect(resolvePreprocess(undefined, {}, sidecar)).toMatchObject({
      preset: 'inception',
      fit: 'letterbox',
      size: [300, 300],
    });
    expect(resolvePreprocess({ fit: 'crop' }, {}, sidecar)).toMatchObject({
      preset: 'inception',
      fit: 'crop',
      size: [300, 300],
    });
    expect(resolvePreprocess('unit', {}, sidecar)).toMatchObject({ preset: 'unit', mean: [0, 0, 0], fit: 'letterbox' });
    expect(resolvePreprocess(undefined, {}, 'raw')).toMatchObject({ preset: 'raw' });
  });

  it('never mixes parts of two ranges', () => {
    expect(resolvePreprocess({ mean: [104, 117, 123], scale: 1, channelOrder: 'bgr' })).toMatchObject({
      preset: null,
      mean: [104, 117, 123],
      std: [1, 1, 1],
      scale: 1,
      channelOrder: 'bgr',
    });
    expect(resolvePreprocess({ std: 2 }, {}, { mean: 0.3 })).toMatchObject({ mean: [0, 0, 0], std: [2, 2, 2] });
    expect(resolvePreprocess({ preset: 'imagenet', scale: 1 })).toMatchObject({ ...IMAGENET, scale: 1, preset: null });
  });

  it('knows grey models', () => {
    const grey = resolvePreprocess(undefined, { channels: 1 });
    expect(grey.channels).toBe(1);
    expect(grey.mean).toEqual([expect.closeTo(0.449, 9)]);
    expect(grey.std).toEqual([expect.closeTo(0.226, 9)]);
    expect(resolvePreprocess({ mean: 0.1307, std: [0.3081] }, { channels: 1 })).toMatchObject({
      mean: [0.1307],
      std: [0.3081],
    });
    expect(() => resolvePreprocess({ mean: [1, 2, 3] }, { channels: 1 })).toThrow(/mean needs 1 .*got 3/);
    expect(() => resolvePreprocess(undefined, { channels: 4 })).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_SHAPE' }),
    );
  });

  it('is plain JSON', () => {
    const resolved = resolvePreprocess({ mean: 0.5, std: 0.25, size: [32, 16] }, {}, { fit: 'crop' });
    expect(JSON.parse(JSON.stringify(resolved))).toEqual(resolved);
  });

  it('says when the fault is in the side file', () => {
    expect(() => resolvePreprocess({ fit: 'crop' }, {}, { fit: 'corp' })).toThrow(/preprocess of the side file/);
  });

  it.each([
    ['imagnet', /imagnet.*did you mean.*imagenet/i],
    [null, /preset or an object/],
    [7, /preset or an object/],
    [['imagenet'], /preset or an object/],
    [{ means: 1 }, /no property 'means'.*mean/],
    [{ fit: 'corp' }, /fit is "corp".*crop/],
    [{ interpolation: 'lanczos' }, /bilinear, bicubic, nearest/],
    [{ channelOrder: 'rbg' }, /channelOrder/],
    [{ layout: 3 }, /layout is 3/],
    [{ preset: 'constructor' }, /known: imagenet/],
    [{ mean: [0, 0] }, /needs 3 values.*got 2/],
    [{ mean: [] }, /finite numbers/],
    [{ mean: [0, 0, Number.NaN] }, /finite numbers/],
    [{ mean: '0.5' }, /finite numbers/],
    [{ std: [1, 0, 1] }, /above 0/],
    [{ std: -1 }, /above 0/],
    [{ scale: 0 }, /scale/],
    [{ scale: [1, 1, 1] }, /scale/],
    [{ size: 224 }, /\[width, height\]/],
    [{ size: [0, 224] }, /\[width, height\]/],
    [{ size: [1e9, 224] }, /\[width, height\]/],
    [{ size: [2.5, 224] }, /\[width, height\]/],
  ])('refuses %j', (options, message) => {
    expect(() => resolvePreprocess(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(message) }),
    );
    if (options !== null) expect(() => resolvePreprocess(undefined, {}, options)).toThrow(message);
  });
});
