"""What reaches a network of 16 x 16 from pictures of kinds/, as Pillow makes it.

Usage: python make_quarters.py
Prints the mean of each quarter (top left, top right, bottom left, bottom right) of red, green and blue in 0..1: the expected
numbers of test/explain/quarters.test.ts. Deep pictures are resized in mode F.
"""

from pathlib import Path

import numpy as np
from PIL import Image

KINDS = Path(__file__).parent / "kinds"
SIDE = 16


def quarters(values: np.ndarray) -> str:
    halves = values.reshape(2, SIDE // 2, 2, SIDE // 2, 3).mean(axis=(1, 3))
    return str([round(float(halves[y, x, c]), 4) for c in range(3) for y in (0, 1) for x in (0, 1)])


def rgb(name: str) -> Image.Image:
    return Image.open(KINDS / name).convert("RGB")


def tensor(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64) / 255


def middle(image: Image.Image) -> Image.Image:
    left, top = round((image.width - SIDE) / 2), round((image.height - SIDE) / 2)
    return image.crop((left, top, left + SIDE, top + SIDE))


for name in ("rgb.png", "palette.bmp", "bits-565.bmp", "grey-8.bmp", "ycbcr.tif", "cmyk.jpg", "cmyk.tif"):
    print(name, quarters(tensor(rgb(name).resize((SIDE, SIDE), Image.BILINEAR))))
for name, low, high in (("u16.png", 0, 65535), ("u12.tif", 0, 4095), ("f32.tif", -1000, 1000), ("i32.tif", -1e9, 1e9)):
    values = (np.asarray(Image.open(KINDS / name), np.float64) - low) / (high - low)
    resized = np.asarray(Image.fromarray(values.astype(np.float32)).resize((SIDE, SIDE), Image.BILINEAR), np.float64)
    print(name, quarters(np.repeat(resized[:, :, None], 3, 2)))
picture = rgb("rgb.png")
print("bicubic", quarters(tensor(picture.resize((SIDE, SIDE), Image.BICUBIC))))
print("nearest", quarters(tensor(picture.resize((SIDE, SIDE), Image.NEAREST))))
print("crop", quarters(tensor(middle(picture.resize((24, 16), Image.BILINEAR)))))
print("crop 20", quarters(tensor(middle(picture.resize((30, 20), Image.BILINEAR)))))
print("squeeze 20", quarters(tensor(middle(picture.resize((20, 20), Image.BILINEAR)))))
padded = Image.new("RGB", (SIDE, SIDE), (114, 114, 114))
padded.paste(picture.resize((16, 11), Image.BILINEAR), (0, 2))
print("letterbox", quarters(tensor(padded)))
