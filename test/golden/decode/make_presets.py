"""Tensors that the presets' sources make of picture.png.

Usage: python make_presets.py (NumPy, Pillow, OpenCV). Written beside this script: preset-clip.npy and preset-siglip.npy
(float32 [3,h,w]), preset-yolo.png (the letterboxed picture, before it is divided by 255).

- clip: OpenAI's `clip.load`: Resize(48, BICUBIC), CenterCrop(48), ToTensor, Normalize, as torchvision does it on a Pillow image:
  the longer side is cut down to whole pixels, the crop's offset rounded half to even. CLIPImageProcessor of transformers has the
  same values; its Pillow backend rounds the offset down, so that where an odd number of pixels is cut off it lies one further left.
- siglip: SiglipImageProcessor: squeezed to the size (bicubic), rescaled by 1/255, mean and deviation 0.5.
- yolo: Ultralytics' LetterBox(auto=False, scaleup=True, center=True), re-stated: cv2.resize with INTER_LINEAR, grey 114.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
picture = Image.open(HERE / "picture.png").convert("RGB")


def normalised(image, mean, std):
    values = np.asarray(image, np.float32) / np.float32(255)
    return ((values - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1)


def clip(image, side):
    w, h = image.size
    size = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    resized = image.resize(size, Image.BICUBIC)
    left, top = (int(round((length - side) / 2.0)) for length in size)
    middle = resized.crop((left, top, left + side, top + side))
    return normalised(middle, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def letterbox(image, new_shape):
    shape = image.shape[:2]
    r = min(new_shape[0] / shape[0], new_shape[1] / shape[1])
    new_unpad = int(round(shape[1] * r)), int(round(shape[0] * r))
    dw, dh = (new_shape[1] - new_unpad[0]) / 2, (new_shape[0] - new_unpad[1]) / 2
    if shape[::-1] != new_unpad:
        image = cv2.resize(image, new_unpad, interpolation=cv2.INTER_LINEAR)
    top, bottom = int(round(dh - 0.1)), int(round(dh + 0.1))
    left, right = int(round(dw - 0.1)), int(round(dw + 0.1))
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


np.save(HERE / "preset-clip.npy", clip(picture, 48))
np.save(HERE / "preset-siglip.npy", normalised(picture.resize((40, 40), Image.BICUBIC), [0.5] * 3, [0.5] * 3))
corner = np.asarray(picture.crop((0, 0, 61, 40)))
Image.fromarray(letterbox(corner, (80, 96))).save(HERE / "preset-yolo.png", optimize=True)
print("yolo", letterbox(corner, (80, 96)).shape)
for name, image in {"whole": np.asarray(picture)}.items():
    # How far the same filter with antialiasing is from OpenCV's without, shrinking.
    shrunk = Image.fromarray(image).resize((96, 65), Image.BILINEAR)
    difference = np.abs(np.asarray(shrunk, int) - cv2.resize(image, (96, 65), interpolation=cv2.INTER_LINEAR))
    print(name, "mean difference in 255:", round(float(difference.mean()), 2), "largest:", int(difference.max()))
