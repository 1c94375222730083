"""Makes test/golden/metrics/scores.json: what torchcam, pytorch-grad-cam, Quantus and captum say of maps on the fixture M2
and on a small random network. Usage: python test/golden/make_score_metrics.py
Besides bench/peers/requirements.txt: quantus==0.6.0 (--no-deps; with pandas cachetools pytz) and captum==0.9.0.
"""
import json
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import quantus
import torch
from captum.metrics import infidelity
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.metrics.arcc import ARCC, Coherency, Complexity
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined, ROADLeastRelevantFirst, ROADMostRelevantFirst
from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirstAverage, ROADMostRelevantFirstAverage
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget
from torch import nn
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric

import make_f0

OUT = Path(__file__).resolve().parent / "metrics"
NoisyLinearImputer.__init__.__defaults__ = (0, NoisyLinearImputer.__init__.__defaults__[1])
PERCENTILES = [10, 20, 30, 40, 50, 60, 70, 80, 90]


class Net(nn.Module):
    """Conv with kernel and stride `size`, ReLU, Flatten, Linear."""

    def __init__(self, kernels, offsets, rows, bias):
        super().__init__()
        kernels = np.float32(kernels)
        filters, channels, size, _ = kernels.shape
        self.conv = nn.Conv2d(channels, filters, size, size)
        self.act = nn.ReLU()
        self.head = nn.Linear(len(rows[0]), len(rows))
        for layer, weight, offset in [(self.conv, kernels, offsets), (self.head, rows, bias)]:
            layer.weight.data = torch.tensor(np.float32(weight))
            layer.bias.data = torch.tensor(np.float32(offset))

    def forward(self, x):
        return self.head(self.act(self.conv(x)).flatten(1))


class Switched(nn.Module):
    """Its input is what of each pixel is left, so that Quantus' features are pixels."""

    def __init__(self, net, x):
        super().__init__()
        self.net, self.x = net, x

    def forward(self, u):
        return self.net(u * self.x)


class GivenMap:
    """Stands in for a CAM of torchcam: gives one map."""

    def __init__(self, model, cam):
        self.model, self.cam = model, cam

    def __call__(self, class_idx=None, scores=None, normalized=True, **_):
        return [torch.tensor(self.cam)[None]]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return nullcontext()


def of_torchcam(net, x, cam, target):
    scores = {}
    given = GivenMap(net, cam)
    metric = ClassificationMetric(given, partial(torch.softmax, dim=-1))
    metric.update(x, target)
    scores["average-drop"], scores["average-increase"] = metric.summary().values()
    metric = DeletionInsertionMetric(given, partial(torch.softmax, dim=-1))
    metric.update(x, target)
    scores["deletion"], scores["insertion"] = metric.summary().values()
    return scores


def of_pgc(net, x, cam, target):
    asked = [x, cam[None], [ClassifierOutputSoftmaxTarget(target)], net]
    method = GradCAM(net, [net.act])
    logit = [ClassifierOutputTarget(target)]
    coherency = Coherency()(x, cam[None], logit, net, method)
    complexity = Complexity()(cam[None])
    road = ROADCombined([20, 40, 60, 80])(*asked)
    parts = ARCC(method)
    parts.coherency, parts.complexity, parts.road = lambda *_: coherency, lambda *_: complexity, lambda *_: road
    values = {
        "average-drop": DropInConfidence()(*asked),
        "average-increase": IncreaseInConfidence()(*asked),
        "morf": [ROADMostRelevantFirst(q)(*asked) for q in PERCENTILES],
        "lerf": [ROADLeastRelevantFirst(q)(*asked) for q in PERCENTILES],
        "road-morf": ROADMostRelevantFirstAverage()(*asked),
        "road-lerf": ROADLeastRelevantFirstAverage()(*asked),
        "road": ROADCombined()(*asked),
        "coherency": coherency,
        "complexity": complexity,
        "arcc": parts(*asked),
    }
    return {name: plain(value) for name, value in values.items()}


def of_captum(net, x, cam, target, patch):
    height, width = cam.shape
    blocks = [(top, left) for top in range(0, height, patch) for left in range(0, width, patch)]
    attribution = torch.tensor(cam).expand_as(x)

    def perturb(inputs, multiplied):
        changes, rest = [], []
        for (top, left), one in zip(blocks, inputs):
            inside = torch.zeros_like(one)
            inside[:, top:top + patch, left:left + patch] = 1
            changes.append(one * inside if multiplied else inside / len(one))
            rest.append(one - one * inside)
        return torch.stack(changes), torch.stack(rest)

    scores = {}
    for kind, multiplied in [("square", True), ("indicator", False)]:
        for score, forward in [("logit", net), ("probability", lambda v: torch.softmax(net(v), -1))]:
            for normalize in [False, True]:
                value = infidelity(forward, partial(perturb, multiplied=multiplied), x, attribution, target=target,
                                   n_perturb_samples=len(blocks), normalize=normalize)
                scores[f"{kind} {score} {'normalized' if normalize else 'plain'}"] = plain(value)
    return scores


def of_quantus(net, x, cam, target, step, patch, subset, repeats=150):
    quiet = dict(disable_warnings=True, display_progressbar=False)
    batch = dict(y_batch=np.array([target]), a_batch=cam[None, None], device="cpu")
    whole = dict(model=net, x_batch=x.numpy(), channel_first=True)
    switched = dict(model=Switched(net, x).eval(), x_batch=np.ones((1, 1, *cam.shape), np.float32), channel_first=True)
    flipping = quantus.PixelFlipping(features_in_step=step, perturb_baseline=0.0, normalise=False, **quiet)
    regions = quantus.RegionPerturbation(patch_size=patch, normalise=False, **quiet)
    regions_centred = quantus.RegionPerturbation(patch_size=patch + 1, regions_evaluation=5, normalise=False, **quiet)
    scores = {
        "pixel-flipping": {"step": step, "curve": flipping(**switched, **batch)[0]},
        "region-perturbation": {"patch": patch, "curve": regions(**whole, **batch)[0]},
        "region-perturbation, centred": {"patch": patch + 1, "regions": 5, "curve": regions_centred(**whole, **batch)[0]},
    }
    if repeats > 0:
        np.random.seed(0)
        correlation = quantus.FaithfulnessCorrelation(nr_runs=100, subset_size=subset, normalise=False, **quiet)
        draws = [correlation(**whole, **batch)[0] for _ in range(repeats)]
        scores["faithfulness-correlation"] = {
            "subset": subset, "mean": np.mean(draws), "sd": np.std(draws, ddof=1), "n": len(draws)}
    return scores


def plain(value):
    values = np.float64(torch.as_tensor(value) if isinstance(value, torch.Tensor) else value).reshape(-1)
    values = [None if np.isnan(v) else float(v) for v in values]
    return values if len(values) > 1 else values[0]


def rounded(value):
    """Short numbers that float32 holds exactly."""
    return (np.round(value * 64) / 64).tolist()


def random_network(random):
    filters, channels, size, classes = 6, 3, 4, 5
    return {
        "kernels": rounded(random.normal(0, 0.4, (filters, channels, size, size))),
        "offsets": rounded(random.normal(0, 0.3, filters)),
        "rows": rounded(random.normal(0, 0.08, (classes, filters * 16))),
        "bias": rounded(random.normal(0, 0.3, classes)),
    }


def maps_of(net, x, target, random):
    """Without ties; after a ReLU, half of it zeros; a Grad-CAM."""
    side = x.shape[-1]
    untied = np.float32(random.permutation(side * side).reshape(side, side) / (side * side - 1))
    cut = np.maximum(0, np.float32(2 * untied - 1))
    cam = GradCAM(net, [net.act])(x, [ClassifierOutputTarget(target)])[0]
    return {"untied": untied, "cut": cut, "grad-cam": cam}


def main():
    OUT.mkdir(exist_ok=True)
    random = np.random.default_rng(15)
    fixture = {"kernels": make_f0.KERNELS, "offsets": make_f0.KERNEL_BIAS, "rows": make_f0.W, "bias": make_f0.BIAS}
    networks = [
        ("m2", fixture, [make_f0.IMAGE], dict(step=4, patch=2, subset=4)),
        ("small", random_network(random), rounded(random.normal(0, 1, (3, 16, 16))), dict(step=16, patch=4, subset=40)),
    ]
    cases = []
    for name, weights, image, how in networks:
        net = Net(**weights).eval()
        x = torch.tensor(np.float32(image))[None]
        target = int(net(x).argmax())
        maps = maps_of(net, x, target, random)
        cases.append({
            "name": name, "weights": weights, "image": image, "target": target,
            "maps": [{
                "name": kind, "data": [float(np.float32(v)) for v in cam.reshape(-1)],
                "torchcam": of_torchcam(net, x, cam, target),
                "pytorch-grad-cam": of_pgc(net, x, cam, target),
                "captum": {"patch": how["patch"], **of_captum(net, x, cam, target, how["patch"])},
                "quantus": of_quantus(net, x, cam, target, **how) if kind == "untied" else None,
            } for kind, cam in maps.items()],
        })
    (OUT / "scores.json").write_text(json.dumps({"percentiles": PERCENTILES, "cases": cases}, default=lambda value: value.tolist()))


if __name__ == "__main__":
    main()
