"""Resized pictures from Pillow and torchvision, and the tensor that torchvision's usual transform gives.

Usage: python make_decode.py CHECKOUT/shared-python-folder (for torchvision without compiled operators; optional).
The picture is a part of scikit-image's `chelsea` (Stefan van der Walt, CC0). Files are written beside this script:
picture.png, resized-*.png (uint8) and crop-tensor.npy (float32, [3,64,64]).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
    import torchvision_cpu  # noqa: F401
from torchvision import transforms

HERE = Path(__file__).parent
picture = Image.fromarray(data.chelsea()[30:230, 60:357])  # 297 x 200
picture.save(HERE / "picture.png", optimize=True)

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "nearest": Image.NEAREST}
for name, size in {"down": (64, 48), "narrow": (31, 220), "up": (320, 210)}.items():
    for method, resample in FILTERS.items():
        # The large ones are cut to a corner, to keep the repository small.
        picture.resize(size, resample).crop((0, 0, min(size[0], 96), min(size[1], 96))).save(
            HERE / f"resized-{name}-{size[0]}x{size[1]}-{method}.png", optimize=True
        )

for size in (64, 63):
    crop = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size)])
    crop(picture).save(HERE / f"crop-{size}.png", optimize=True)
    crop(picture.transpose(Image.Transpose.ROTATE_90)).save(HERE / f"crop-turned-{size}.png", optimize=True)

tensor = transforms.Compose(
    [
        transforms.Resize(64),
        transforms.CenterCrop(64),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)(picture)
np.save(HERE / "crop-tensor.npy", tensor.numpy())
Image.fromarray(np.array(picture.convert("L").resize((40, 30), Image.BILINEAR))).save(HERE / "grey-40x30.png")
