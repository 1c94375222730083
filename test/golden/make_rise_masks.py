"""Makes test/golden/rise-masks.json: RISE's masks as its official code draws them, from scikit-image's resize.
Usage: python test/golden/make_rise_masks.py
"""
import json
from pathlib import Path

import numpy as np
from skimage.transform import resize

rng = np.random.default_rng(7)
masks = []
for height, width, cells in [(10, 10, 3), (13, 9, 4), (6, 11, 2)]:
    cell = np.ceil(np.array([height, width]) / cells).astype(int)
    canvas = (cells + 1) * cell
    grid = (rng.random((cells, cells)) < 0.5).astype(np.float32)
    y, x = int(rng.integers(cell[0])), int(rng.integers(cell[1]))
    whole = resize(grid, canvas, order=1, mode="reflect", anti_aliasing=False)
    masks.append({"size": [height, width], "cells": cells, "canvas": canvas.tolist(), "offset": [y, x],
                  "grid": grid.ravel().tolist(),
                  "mask": [float(f"{v:.7g}") for v in whole[y:y + height, x:x + width].ravel()]})
path = Path(__file__).resolve().parent / "rise-masks.json"
path.write_text("[\n" + ",\n".join("  " + json.dumps(mask) for mask in masks) + "\n]\n")
