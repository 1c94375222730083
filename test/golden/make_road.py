"""Pictures imputed by pytorch-grad-cam's NoisyLinearImputer (SciPy's direct solver), without noise.

Writes road.json: for each case the size of the picture, how pixels are removed (`kind`, see `kept_of` here and in
test/kernels/impute-pixels.test.ts) and imputed values, of large pictures every so many of them. Pictures and masks are
formulas of whole numbers, so that the file needs to hold none of them.
Usage: python test/golden/make_road.py, in the environment of bench/peers/requirements.txt.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401
import numpy as np  # noqa: E402
import torch  # noqa: E402
from pytorch_grad_cam.metrics.road import NoisyLinearImputer  # noqa: E402

CASES = [(kind, size) for size in [(9, 7), (16, 16), (1, 23), (19, 1), (2, 14)]
         for kind in ["disc", "outside", "scattered", "few left", "blocks", "one left", "border left"]]
CASES += [(kind, (224, 224)) for kind in ["disc", "outside", "scattered", "few left", "blocks", "one left", "border left"]]
CASES += [("outside", (97, 211))]
SAMPLES = 60


def image_of(height, width):
    """Three channels of different ranges, rough and smooth."""
    i = np.arange(height * width)
    y, x = i // width, i % width
    rough = ((i * 7919) % 1009) / 1009
    planes = [4 * rough - 2, x / width - 2 * y / height + rough / 4, 5 + 10 * ((x // 5 + y // 3) % 2)]
    return np.stack(planes).astype("float32").reshape(3, height, width)


def kept_of(kind, height, width):
    i = np.arange(height * width)
    y, x = i // width, i % width
    far = (2 * y - height) ** 2 + (2 * x - width) ** 2
    scatter = (i * 7919 + 13) % 1009
    return {
        "disc": 3 * far > height * width,
        "outside": 6 * far < height * width,
        "scattered": scatter < 505,
        "few left": scatter < 101,
        "blocks": (y // 4 + x // 4) % 2 == 0,
        "one left": i == height * width // 3,
        "border left": (y == 0) | (x == 0) | (y == height - 1) | (x == width - 1),
    }[kind]


def main():
    cases = []
    for kind, (height, width) in CASES:
        kept = kept_of(kind, height, width)
        removed = np.flatnonzero(~kept)
        if len(removed) == 0 or not kept.any():
            continue
        picture = torch.tensor(image_of(height, width))
        mask = torch.tensor(kept.astype("float32").reshape(height, width))
        filled = NoisyLinearImputer(noise=0)(picture, mask).numpy().reshape(3, -1)
        step = max(1, len(removed) // SAMPLES)
        values = [[float(f"{v:.8g}") for v in channel[removed[::step]]] for channel in filled]
        cases.append({"kind": kind, "height": height, "width": width, "step": step, "values": values})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    Path(__file__).with_name("road.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
