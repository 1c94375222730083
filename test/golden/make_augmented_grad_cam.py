"""Makes test/golden/techniques/augmented-grad-cam.json: Augmented Grad-CAM of the bundled model restated in PyTorch.

ONNX Runtime gives the last features of each copy, the classifier's row over 49 is Grad-CAM's weight; pictures are padded with
black and warped by grid_sample, maps found by autograd (make_augmented_map.py). Angles and shifts are drawn as the technique
draws them, by a restatement of lib/common/random.ts. The pictures are those of metrics/bundled-pixels.bin, [H, W, 3] bytes.
Usage: python test/golden/make_augmented_grad_cam.py, in the environment of bench/peers/requirements.txt.
"""
import json
from pathlib import Path

import make_augmented_map as large_map
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[1] / "assets" / "efficientnet-lite0.onnx"
FEATURES, WEIGHTS = "/head_act/Clip_output_0", "classifier.weight"
SIDE, COUNT, SEED, ITERATIONS, STEP = 224, 12, 5, 100, 331
CLASSES = [285, 967, 657]
BLACK = -127 / 128
M = 0xFFFFFFFF


def uniforms(seed):
    """xoshiro128++, seeded through splitmix32."""
    state, mix = [], seed
    for _ in range(4):
        mix = (mix + 0x9E3779B9) & M
        z = ((mix ^ (mix >> 16)) * 0x21F0AAAD) & M
        z = ((z ^ (z >> 15)) * 0x735A2D97) & M
        state.append(z ^ (z >> 15))
    s = state
    while True:
        total = (s[0] + s[3]) & M
        yield ((((total << 7) | (total >> 25)) & M) + s[0] & M) / 4294967296
        t = (s[1] << 9) & M
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = ((s[3] << 11) | (s[3] >> 21)) & M


def turns():
    draw = uniforms(SEED)
    angles, shifts = np.zeros(COUNT), np.zeros((COUNT, 2))
    for i in range(1, COUNT):
        angles[i] = next(draw) - 0.5
        shifts[i] = [30 * (2 * next(draw) - 1), 30 * (2 * next(draw) - 1)]
    return angles, shifts


def grids(angle, shift):
    """Where the pixels of a turned and of a moved picture come from."""
    y, x = torch.meshgrid(torch.arange(SIDE).double(), torch.arange(SIDE).double(), indexing="ij")
    c, cos, sin = (SIDE - 1) / 2, np.cos(angle), np.sin(angle)
    turned = (cos * (x - c) - sin * (y - c) + c, sin * (x - c) + cos * (y - c) + c)
    return turned, (x - shift[0], y - shift[1])


def warped(images, places):
    for u, v in places:
        images = large_map.resample(images, u[None], v[None])
    return images


def back(large, angle, shift):
    turned, moved = grids(-angle, -shift)
    return warped(large, [moved, turned])


def main():
    model = onnx.load(MODEL)
    for name in (FEATURES, WEIGHTS):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    rows = session.run([WEIGHTS], {"input": np.zeros((1, 3, SIDE, SIDE), "float32")})[0].astype("float64")
    pixels = np.frombuffer((HERE / "metrics" / "bundled-pixels.bin").read_bytes(), "uint8").reshape(3, SIDE, SIDE, 3)
    angles, shifts = turns()
    pictures = []
    for index, target in enumerate(CLASSES):
        picture = torch.tensor(pixels[index].astype("float64").transpose(2, 0, 1))[None]
        raw = []
        for angle, shift in zip(angles, shifts):
            copy = (warped(picture, grids(angle, shift)) - 127) / 128
            features = session.run([FEATURES], {"input": copy.numpy().astype("float32")})[0][0].astype("float64")
            raw.append(np.maximum(0, np.tensordot(rows[target] / 49, features, 1)))
        raw = np.stack(raw)
        enlarged = F.interpolate(torch.tensor(raw)[:, None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        turned = torch.cat([back(enlarged[i : i + 1], angles[i], shifts[i]) for i in range(COUNT)])[:, 0].numpy()
        case = {"count": COUNT, "observed": [7, 7], "size": [SIDE, SIDE], "variation": 0.002, "iterations": ITERATIONS}
        observed = raw / raw.max(axis=(1, 2), keepdims=True)
        large_map.problem_of = lambda _: (observed, angles, shifts)
        found = {"optimize": large_map.minimized(case), "mean": turned.mean(0), "max": turned.max(0)}
        pictures.append({"target": target, **{name: [float(f"{v:.7g}") for v in m.reshape(-1)[::STEP]] for name, m in found.items()}})
    document = {"count": COUNT, "seed": SEED, "iterations": ITERATIONS, "step": STEP, "pictures": pictures}
    (HERE / "techniques").mkdir(exist_ok=True)
    (HERE / "techniques" / "augmented-grad-cam.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
