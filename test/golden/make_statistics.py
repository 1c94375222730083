"""Figures of SciPy that lib/evaluation/statistics.ts is compared with: statistics.json. Needs scipy."""

import json
import os

import numpy as np
from scipy import stats
from scipy.special import erfc

random = np.random.default_rng(7)
cases = {
    "normal": random.normal(0.1, 1, 40),
    "ties": np.round(random.normal(0.2, 1, 60), 1),
    "zeros": np.where(random.random(30) < 0.4, 0, np.round(random.normal(0, 1, 30), 1)),
    "few": np.array([0.3, -0.1, 0.7, 0.4]),
    "five": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
    "far": random.normal(1.5, 1, 200),
    "six": np.array([1.0, -2.0, 3.0, 4.0, 5.0, 6.0]),
}


def one(values):
    kept = values[values != 0]
    method = "asymptotic" if len(kept) >= 6 else "exact"
    sample = stats.bootstrap((values,), np.mean, n_resamples=100_000, method="percentile", random_state=0)
    low, high = sample.confidence_interval
    return {
        "values": values.tolist(),
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "se": stats.sem(values),
        "median": float(np.median(values)),
        "quantiles": np.quantile(values, [0.025, 0.3, 0.975]).tolist(),
        "ranks": stats.rankdata(values).tolist(),
        "wilcoxon": float(stats.wilcoxon(values, zero_method="wilcox", correction=False, method=method).pvalue),
        "ci95": [low, high],
    }


p = [0.01, 0.04, 0.03, 0.005, 0.8]


def holm():
    """As statsmodels' multipletests(method='holm')."""
    order = np.argsort(p)
    corrected, largest = [0.0] * len(p), 0.0
    for place, at in enumerate(order):
        largest = max(largest, min(1.0, p[at] * (len(p) - place)))
        corrected[at] = largest
    return corrected


grid = [0, 0.1, 0.7, 1.9, 2, 2.1, 3.5, 6, 12]
document = {
    "cases": {name: one(values) for name, values in cases.items()},
    "erfc": {"x": grid, "y": erfc(grid).tolist()},
    "holm": {"p": p, "corrected": holm()},
}
with open(os.path.join(os.path.dirname(__file__), "statistics.json"), "w") as file:
    json.dump(document, file, indent=1)
    file.write("\n")
