"""Masks of pycocotools for outlines and run-length codes: coco-masks.json. Needs pycocotools."""

import json
import os

import numpy as np
from pycocotools import mask as coco

random = np.random.default_rng(3)
H, W = 23, 31


def text(mask):
    return "".join(str(value) for value in mask.reshape(-1))


polygons = [
    [4, 3, 20, 3, 20, 15, 4, 15],
    [4.5, 3.2, 20.7, 5.1, 12.3, 18.9],
    [-6, -4, 12, 2, 40, 21, 3, 30],
    [10, 10, 10.2, 10.1, 10.1, 10.3],
    *[random.uniform(-3, 33, 2 * n).round(2).tolist() for n in (3, 5, 8, 13)],
    [1, 1, 29, 20, 29, 1, 1, 20],
]
outlines = [{"points": p, "mask": text(coco.decode(coco.frPyObjects([p], H, W))[:, :, 0])} for p in polygons]
codes = []
for share in (0.02, 0.5, 0.9):
    mask = np.asfortranarray((random.random((H, W)) < share).astype(np.uint8))
    codes.append({"counts": coco.encode(mask)["counts"].decode(), "mask": text(mask)})
tall = np.zeros((400, 500), dtype=np.uint8, order="F")
tall[37:350, 100:400] = 1
codes.append({"size": [400, 500], "counts": coco.encode(tall)["counts"].decode(), "sum": int(tall.sum())})
with open(os.path.join(os.path.dirname(__file__), "coco-masks.json"), "w") as file:
    json.dump({"size": [H, W], "outlines": outlines, "codes": codes}, file)
    file.write("\n")
