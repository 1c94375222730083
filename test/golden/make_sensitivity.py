"""captum's and Quantus 0.6.0's sensitivities of a made explanation, S(x) = x² + the mean of x: means of many repetitions, and
their standard errors.

    python test/golden/make_sensitivity.py     # writes test/golden/metrics/sensitivity.json
"""

import json
import pathlib
import warnings

import numpy as np
import quantus
import torch
from captum.metrics import sensitivity_max

OUT = pathlib.Path(__file__).parent / "metrics" / "sensitivity.json"
SIDE, REPEATS = 6, 200
warnings.simplefilter("ignore")
torch.manual_seed(0)
np.random.seed(0)

x = np.array([((i * 7) % 11) / 10 for i in range(SIDE * SIDE)], np.float32).reshape(1, 1, SIDE, SIDE)


def explain(x):
    return x**2 + x.mean(axis=(1, 2, 3), keepdims=True)


class Anything(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :3]


def repeated(once, repeats=REPEATS):
    values = np.array([once() for _ in range(repeats)], np.float64)
    return {"mean": values.mean(), "se": values.std(ddof=1) / np.sqrt(repeats), "sd": values.std(ddof=1)}


def of_quantus(metric):
    return float(
        metric(model=Anything().eval(), x_batch=x.copy(), y_batch=np.zeros(1, int), a_batch=explain(x),
               explain_func=lambda model, inputs, targets, **_: explain(np.asarray(inputs)))[0]
    )  # fmt: skip


def of_captum(inputs):
    (v,) = inputs if isinstance(inputs, tuple) else (inputs,)
    return (v**2 + v.mean(dim=(1, 2, 3), keepdim=True),)


more = dict(lower_bound=0.2, upper_bound=None, disable_warnings=True)
result = {
    "side": SIDE,
    "captum": repeated(lambda: float(sensitivity_max(of_captum, torch.from_numpy(x)))),
    "quantus-max": repeated(lambda: of_quantus(quantus.MaxSensitivity(nr_samples=200, **more)), 30),
    "quantus-avg": repeated(lambda: of_quantus(quantus.AvgSensitivity(nr_samples=200, **more)), 30),
}
OUT.write_text(json.dumps(result, indent=1) + "\n")
print(OUT.read_text())
