"""Pictures of many kinds from Pillow, with the pixels that Pillow reads from them.

Usage: python make_depths.py
Made of picture.png (make_decode.py), 24 x 16. Files are written beside this script into kinds/: the pictures, and
deep-*.npy, the values of deep pictures resized to 9 x 7 (Pillow's bilinear filter on mode F, [7,9] float32).
evaluation-*.png are torchvision's Resize and CenterCrop written with Pillow's operations.
"""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
KINDS = HERE / "kinds"
KINDS.mkdir(exist_ok=True)
picture = Image.open(HERE / "picture.png").convert("RGB")
small = picture.resize((24, 16), Image.BILINEAR)
small.save(KINDS / "rgb.png", optimize=True)

small.save(KINDS / "bits-24.bmp")
small.convert("RGBA").save(KINDS / "bits-32.bmp")
small.convert("L").save(KINDS / "grey-8.bmp")
small.convert("L").save(KINDS / "grey-8.png")
palette = small.quantize(16)
palette.save(KINDS / "palette.bmp")
palette.convert("RGB").save(KINDS / "palette.png", optimize=True)
small.convert("1").save(KINDS / "bits-1.bmp")
small.convert("1").save(KINDS / "bits-1.png")

# Rows from the top, as screenshots have them.
rows = np.asarray(small)[:, :, ::-1].tobytes()
header = struct.pack("<IiiHHIIiiII", 40, 24, -16, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
(KINDS / "from-top.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + header + rows)

# 16 bits a pixel: five each, and five, six and five with masks.
values = np.asarray(small, int)
fives = (values[:, :, 0] >> 3 << 10) | (values[:, :, 1] >> 3 << 5) | (values[:, :, 2] >> 3)
masked = (values[:, :, 0] >> 3 << 11) | (values[:, :, 1] >> 2 << 5) | (values[:, :, 2] >> 3)
for name, words, masks in (("bits-555", fives, ()), ("bits-565", masked, (0xF800, 0x7E0, 0x1F))):
    rows = words[::-1].astype("<u2").tobytes()
    fields = struct.pack(f"<{len(masks)}I", *masks)
    start = 54 + len(fields)
    header = struct.pack("<IiiHHIIiiII", 40, 24, 16, 1, 16, 3 if masks else 0, len(rows), 2835, 2835, 0, 0)
    head = b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + fields
    (KINDS / f"{name}.bmp").write_bytes(head + rows)
    Image.open(KINDS / f"{name}.bmp").convert("RGB").save(KINDS / f"{name}.png", optimize=True)

for name in ("cmyk.jpg", "cmyk.tif"):
    small.convert("CMYK").save(KINDS / name, quality=95)
    Image.open(KINDS / name).convert("RGB").save(KINDS / f"{name}.png", optimize=True)

small.convert("YCbCr").save(KINDS / "ycbcr.tif")
Image.open(KINDS / "ycbcr.tif").convert("RGB").save(KINDS / "ycbcr.png", optimize=True)

grey = np.asarray(small.convert("L"), np.float64) / 255
deep = {
    "u16": (grey * 65535).astype(np.uint16),
    "u12": (grey * 4095).astype(np.uint16),
    "i32": (grey * 2_000_000_000 - 1_000_000_000).astype(np.int32),
    "f32": (grey * 2000 - 1000).astype(np.float32),
}
for name, values in deep.items():
    Image.fromarray(values).save(KINDS / f"{name}.tif")
    resized = Image.fromarray(values.astype(np.float32), mode="F").resize((9, 7), Image.BILINEAR)
    np.save(KINDS / f"deep-{name}.npy", np.asarray(resized))
Image.fromarray(deep["u16"]).save(KINDS / "u16.png")


def evaluation(image: Image.Image, shorter: int, width: int, height: int) -> Image.Image:
    w, h = image.size
    size = (shorter, int(shorter * h / w)) if w <= h else (int(shorter * w / h), shorter)
    image = image.resize(size, Image.BILINEAR)
    if size[0] < width or size[1] < height:
        padded = Image.new("RGB", (max(width, size[0]), max(height, size[1])))
        padded.paste(image, (max(0, (width - size[0]) // 2), max(0, (height - size[1]) // 2)))
        image = padded
    left, top = int(round((image.width - width) / 2)), int(round((image.height - height) / 2))
    return image.crop((left, top, left + width, top + height))


evaluation(picture, 73, 64, 64).save(HERE / "evaluation-73-64x64.png", optimize=True)
evaluation(picture, 40, 72, 24).save(HERE / "evaluation-40-72x24.png", optimize=True)
evaluation(picture, 30, 64, 48).save(HERE / "evaluation-30-64x48.png", optimize=True)
