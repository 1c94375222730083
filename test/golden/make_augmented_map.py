"""Augmented Grad-CAM's map as PyTorch finds it: autograd through grid_sample and interpolate, torch.optim.Adam, in float64.

Writes augmented-map.json: for each case its sizes, the map after so many steps (of large ones every so many pixels) and the
derivative at a map that is not flat. Observed maps, angles and shifts are formulas of whole numbers (here and in
test/kernels/augmented-map.test.ts), so that the file needs to hold none of them. Prints how far TensorFlow's form of Adam (its
epsilon stands beside the root that is not corrected) and maps in float32 are from that. A large
map after many steps is no closer to ours than to float64's own neighbours: pixels that see nothing, or the same, come back to
equal values but for the last digit, which decides the sign that the penalty on variation hands on.
Usage: python test/golden/make_augmented_map.py, in the environment of bench/peers/requirements.txt.
"""
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CASES = [
    {"count": 6, "observed": [5, 4], "size": [20, 18], "identity": True, "variation": 0.002, "shift": 3, "iterations": 60, "step": 1},
    {"count": 3, "observed": [4, 4], "size": [9, 23], "identity": True, "variation": 0.002, "shift": 2, "iterations": 200, "step": 1},
    {"count": 5, "observed": [3, 3], "size": [12, 12], "identity": False, "variation": 0.002, "shift": 2, "iterations": 50, "step": 1},
    {"count": 20, "observed": [7, 7], "size": [224, 224], "identity": False, "variation": 0.05 / 32, "shift": 30, "iterations": 3, "step": 331},
    {"count": 20, "observed": [7, 7], "size": [224, 224], "identity": True, "variation": 0.002, "shift": 30, "iterations": 200, "step": 331},
]


def share(index, factor):
    return ((index * factor) % 1009) / 1009


def problem_of(case):
    """Observed maps [n, h, w], angles [n] and shifts [n, 2]."""
    count = case["count"]
    i = np.arange(count)
    angles, shifts = share(i + 1, 613) - 0.5, (np.stack([share(i + 1, 347), share(i + 1, 821)], 1) * 2 - 1) * case["shift"]
    if case["identity"]:
        angles[0], shifts[0] = 0, 0
    observed = share(np.arange(count * np.prod(case["observed"])) + 5, 7919).astype("float32").astype("float64")
    return observed.reshape(count, *case["observed"]), angles, shifts


def resample(images, u, v):
    """Bilinear at places in pixels, zeros outside."""
    height, width = images.shape[-2:]
    grid = torch.stack([2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1], -1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def seen(large, angles, shifts, observed):
    """The large map turned about its centre, then shifted, then made small: [n, h, w]."""
    height, width = large.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x, y = x.to(large)[None], y.to(large)[None]
    cos, sin = (f(torch.tensor(angles)).to(large)[:, None, None] for f in (torch.cos, torch.sin))
    cx, cy = (width - 1) / 2, (height - 1) / 2
    images = large[None, None].expand(len(angles), 1, height, width)
    turned = resample(images, cos * (x - cx) - sin * (y - cy) + cx, sin * (x - cx) + cos * (y - cy) + cy)
    dx, dy = (torch.tensor(shifts[:, k]).to(large)[:, None, None] for k in (0, 1))
    moved = resample(turned, (x - dx).expand_as(turned[:, 0]), (y - dy).expand_as(turned[:, 0]))
    return F.interpolate(moved, size=observed, mode="bilinear", align_corners=False)[:, 0]


def loss_of(large, case, dtype=torch.float64):
    observed, angles, shifts = problem_of(case)
    count = case["count"]
    rest = seen(large, angles, shifts, case["observed"]) - torch.tensor(observed, dtype=dtype)
    variation = large.diff(dim=0).abs().sum() + large.diff(dim=1).abs().sum()
    return (rest**2).sum() + case["variation"] * count * variation + 0.0001 * count * (large**2).sum()


def minimized(case, dtype=torch.float64, tensorflow=False):
    large = torch.zeros(case["size"], dtype=dtype, requires_grad=True)
    adam = torch.optim.Adam([large], lr=0.001)
    first, second = torch.zeros_like(large), torch.zeros_like(large)
    for step in range(1, case["iterations"] + 1):
        adam.zero_grad()
        loss_of(large, case, dtype).backward()
        if tensorflow:
            with torch.no_grad():
                first += 0.1 * (large.grad - first)
                second += 0.001 * (large.grad**2 - second)
                large -= 0.001 * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step) * first / (second.sqrt() + 1e-8)
        else:
            adam.step()
    return large.detach().double().numpy()


def gradient_of(case):
    size = case["size"]
    large = torch.tensor(share(np.arange(size[0] * size[1]) + 1, 331).reshape(size), requires_grad=True)
    loss = loss_of(large, case)
    loss.backward()
    return loss.item(), large.grad.numpy()


def sampled(values, case):
    return [float(f"{value:.10g}") for value in values.reshape(-1)[:: case["step"]]]


def main():
    written = []
    for case in CASES:
        large = minimized(case)
        loss, gradient = gradient_of(case)
        written.append({**case, "loss": loss, "gradient": sampled(gradient, case), "map": sampled(large, case)})
        others = {"TensorFlow's form": minimized(case, tensorflow=True), "float32": minimized(case, torch.float32)}
        for name, other in others.items():
            print(case["size"], name, "off by", np.abs(other - large).max(), "of", np.abs(large).max(),
                  "correlation", np.corrcoef(other.ravel(), large.ravel())[0, 1])
    Path(__file__).with_name("augmented-map.json").write_text(json.dumps(written) + "\n")


if __name__ == "__main__":
    main()
