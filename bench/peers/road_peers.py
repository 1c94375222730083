"""How long pytorch-grad-cam's NoisyLinearImputer takes for given masks of a picture, and how far another tool's results are.

Prints one JSON object a line: the machine, then for every map the milliseconds of all its imputations together and the
largest difference from the pictures in the folder. bench/road.js writes FOLDER: image.f32 [C,H,W]; for each map
NAME.u32, the order of its pixels, and NAME.f32, an imputed picture for each range; road.json, sizes, maps and ranges.
Usage: python road_peers.py FOLDER [--threads 2] [--repeats 1]
"""
import argparse
import json
import time
from pathlib import Path

from peer_models import report, report_machine

import numpy as np
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report_machine(options.threads)
    asked = json.loads((options.folder / "road.json").read_text())
    shape = asked["shape"]
    picture = torch.from_numpy(np.fromfile(options.folder / "image.f32", dtype="float32").reshape(shape))
    imputer = NoisyLinearImputer(noise=0)
    for name in asked["maps"]:
        order = np.fromfile(options.folder / f"{name}.u32", dtype="uint32")
        given = np.fromfile(options.folder / f"{name}.f32", dtype="float32").reshape(-1, *shape)
        masks = []
        for begin, end in asked["ranges"]:
            mask = np.ones(shape[1] * shape[2], dtype="float32")
            mask[order[begin:end]] = 0
            masks.append(torch.from_numpy(mask.reshape(shape[1:])))
        times = []
        for _ in range(options.repeats):
            start = time.perf_counter()
            filled = [imputer(picture, mask) for mask in masks]
            times.append(1000 * (time.perf_counter() - start))
        difference = max(float(np.abs(own.numpy() - other).max()) for own, other in zip(filled, given))
        report(kind="road", map=name, imputations=len(masks), median_ms=sorted(times)[len(times) // 2],
               repeats=options.repeats, difference=difference)


if __name__ == "__main__":
    main()
