"""Correlations of made maps by SciPy; the smaller one enlarged (bilinear, half-pixel), which PyTorch confirms.

PyTorch's own values are not taken: where borders repeat a value they differ in the last bit, so that equal ranks come apart.

Usage: python make_correlation.py (NumPy, SciPy, PyTorch). Writes correlation.json beside this script.
"""

import json
from pathlib import Path

import numpy as np
import torch
from scipy import stats

random = np.random.default_rng(17)


def rounded(values, digits):
    return np.round(values, digits).astype(np.float32)


def entry(name, a, b):
    def enlarged(values, like):
        shape = like.shape
        mode = "bilinear" if values.ndim == 2 else "trilinear"
        tensor = torch.from_numpy(values)[None, None]
        check = torch.nn.functional.interpolate(tensor, size=shape, mode=mode, align_corners=False)[0, 0].numpy()
        for axis, length in enumerate(shape):
            at = np.clip((np.arange(length) + 0.5) * values.shape[axis] / length - 0.5, 0, values.shape[axis] - 1)
            low = np.floor(at).astype(int)
            high = np.minimum(low + 1, values.shape[axis] - 1)
            weight = (at - low).reshape([-1 if i == axis else 1 for i in range(len(shape))])
            first, second = np.take(values, low, axis), np.take(values, high, axis)
            values = first + weight * (second - first)
        assert np.abs(values - check).max() < 1e-6
        return values.astype(np.float32)

    x, y = a, b
    if a.shape != b.shape:
        x, y = (enlarged(a, b), b) if a.size < b.size else (a, enlarged(b, a))
    x, y = x.ravel().astype(np.float64), y.ravel().astype(np.float64)
    side = lambda values: {"dims": list(values.shape), "data": [float(v) for v in values.ravel()]}
    return {
        "name": name,
        "a": side(a),
        "b": side(b),
        "pearson": float(stats.pearsonr(x, y).statistic),
        "spearman": float(stats.spearmanr(x, y).statistic),
    }


base = rounded(random.random((9, 12)), 4)
cases = [
    entry("noise", base, rounded(random.random((9, 12)), 4)),
    entry("alike", base, rounded(0.7 * base + 0.3 * random.random((9, 12)), 4)),
    entry("opposite", base, rounded(1 - base**2, 4)),
    entry("many equal values", rounded(base, 1), rounded(np.maximum(random.random((9, 12)) - 0.5, 0), 1)),
    entry("a layer's and a picture's", rounded(random.random((3, 4)), 3), rounded(random.random((10, 14)), 3)),
    entry("a picture's and a layer's", rounded(random.random((10, 7)), 3), rounded(random.random((4, 2)), 3)),
    entry("volumes", rounded(random.random((3, 4, 5)), 3), rounded(random.random((3, 4, 5)), 3)),
    entry("volumes of two sizes", rounded(random.random((2, 2, 3)), 3), rounded(random.random((4, 5, 6)), 3)),
]
(Path(__file__).parent / "correlation.json").write_text(json.dumps(cases))
for case in cases:
    print(case["name"], case["pearson"], case["spearman"])
