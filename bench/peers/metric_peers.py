"""How long torchcam, pytorch-grad-cam and Quantus take for metrics of given maps on given inputs, and what they find.

Prints one JSON object a line: the machine, then for every tool and metric the milliseconds an image and the values.
bench/metrics.js writes FOLDER: metrics.json, the classes of the images, the step of pixels and the patch; x.f32
[N,3,224,224]; maps.f32 [N,224,224]. Besides requirements.txt: quantus==0.6.0 (--no-deps).
Usage: python metric_peers.py FOLDER [--threads 2] [--only torchcam,pytorch-grad-cam,quantus]
"""
import argparse
import json
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from peer_models import load_model, report, report_machine

import numpy as np
import torch

SIDE = 224


class GivenMap:
    """Stands in for a CAM of torchcam: gives one map."""

    def __init__(self, model):
        self.model, self.cam = model, None

    def __call__(self, class_idx=None, scores=None, normalized=True, **_):
        return [torch.tensor(self.cam)[None]]

    def fuse_cams(self, cams):
        return cams[0]

    def _hooks_off(self):
        return nullcontext()


class Switched(torch.nn.Module):
    """Its input is what of each pixel is left, so that Quantus' features are pixels."""

    def __init__(self, net, x):
        super().__init__()
        self.net, self.x = net, x

    def forward(self, left):
        return self.net(left * self.x)


def torchcam_tasks(net, asked):
    from torchcam.metrics import DeletionInsertionMetric

    def curves(x, cam, target):
        given = GivenMap(net)
        given.cam = cam
        metric = DeletionInsertionMetric(given, partial(torch.softmax, dim=-1), steps=asked["steps"])
        metric.update(x, target)
        return list(metric.summary().values())

    return {"deletion, insertion": curves}


def pgc_tasks(net, asked):
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

    NoisyLinearImputer.__init__.__defaults__ = (0, NoisyLinearImputer.__init__.__defaults__[1])
    combined = ROADCombined()

    def road(x, cam, target):
        with torch.no_grad():
            return [float(combined(x, cam[None], [ClassifierOutputSoftmaxTarget(target)], net)[0])]

    return {"road": road}


def quantus_tasks(net, asked):
    import quantus

    quiet = dict(disable_warnings=True, display_progressbar=False, normalise=False)
    flips = quantus.PixelFlipping(features_in_step=asked["step"], perturb_baseline=0.0, **quiet)
    regions = asked["regions"]
    region = quantus.RegionPerturbation(patch_size=asked["patch"], regions_evaluation=regions, **quiet)
    plain = {"sparseness": quantus.Sparseness(**quiet), "entropy": quantus.Complexity(**quiet)}

    def call(metric, model, inputs, cam, target):
        return metric(model=model, x_batch=inputs, y_batch=np.array([target]), a_batch=cam[None, None],
                      device="cpu", channel_first=True)[0]

    def flipping(x, cam, target):
        curve = np.asarray(call(flips, Switched(net, x).eval(), np.ones((1, 1, SIDE, SIDE), np.float32), cam, target))
        return [float(curve.mean())]

    def perturbation(x, cam, target):
        return [float(np.mean(call(region, net, x.numpy(), cam, target)))]

    def of_map(name, x, cam, target):
        return [float(call(plain[name], net, x.numpy(), cam, target))]

    return {"deletion": flipping, "aopc": perturbation, **{name: partial(of_map, name) for name in plain}}


TOOLS = {"torchcam": torchcam_tasks, "pytorch-grad-cam": pgc_tasks, "quantus": quantus_tasks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default=",".join(TOOLS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report_machine(options.threads)
    asked = json.loads((options.folder / "metrics.json").read_text())
    inputs = torch.from_numpy(np.fromfile(options.folder / "x.f32", dtype="float32").reshape(-1, 1, 3, SIDE, SIDE))
    cams = np.fromfile(options.folder / "maps.f32", dtype="float32").reshape(-1, SIDE, SIDE)
    net, _ = load_model("efficientnet-lite0-folded")
    for tool in options.only.split(","):
        for name, task in TOOLS[tool](net, asked).items():
            if name != "road":
                task(inputs[0], cams[0], asked["classes"][0])
            start = time.perf_counter()
            values = [task(*one) for one in zip(inputs, cams, asked["classes"])]
            took = 1000 * (time.perf_counter() - start) / len(cams)
            report(kind="metric", tool=tool, metric=name, ms=round(took, 2), images=len(cams), values=values)


if __name__ == "__main__":
    main()
