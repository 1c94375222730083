"""Makes test/golden/metrics/bundled-scores.json: what torchcam, pytorch-grad-cam, Quantus and captum say of a made map of
the input "wide" of test/golden/methods (256 x 192, tabby) on the bundled model. The tools as in make_score_metrics.py.
Usage: python test/golden/make_bundled_score_metrics.py
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.metrics.arcc import ARCC, Coherency, Complexity
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirst, ROADMostRelevantFirst
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget

from make_score_metrics import OUT, of_captum, of_quantus, of_torchcam, plain

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from efficientnet_lite0 import load_pretrained  # noqa: E402

PERCENTILES = [20, 50, 80]
CENTRE = (40, 50)  # neither on the cat nor in the middle


def ranked(height, width, centre):
    """From 1 at the centre to 0, by squared distance and then by number: no two values are equal."""
    y, x = np.mgrid[:height, :width]
    order = np.argsort(((y - centre[0]) ** 2 + (x - centre[1]) ** 2).reshape(-1), kind="stable")
    values = np.empty(order.size)
    values[order] = (order.size - 1 - np.arange(order.size)) / (order.size - 1)
    return np.float32(values).reshape(height, width)


def of_pgc(model, x, cam, target):
    asked = [x, cam[None], [ClassifierOutputSoftmaxTarget(target)], model]
    method = GradCAM(model, [dict(model.named_modules())["head_act"]])
    coherency = Coherency()(x, cam[None], [ClassifierOutputTarget(target)], model, method)
    morf = [ROADMostRelevantFirst(q)(*asked) for q in PERCENTILES]
    lerf = [ROADLeastRelevantFirst(q)(*asked) for q in PERCENTILES]
    road = (np.mean(lerf, axis=0) - np.mean(morf, axis=0)) / 2
    parts = ARCC(method)
    parts.coherency, parts.road = lambda *_: coherency, lambda *_: road
    return {name: plain(value) for name, value in {
        "average-drop": DropInConfidence()(*asked), "average-increase": IncreaseInConfidence()(*asked),
        "complexity": Complexity()(cam[None]), "coherency": coherency, "arcc": parts(*asked), "road": road,
        "road-morf": morf, "road-lerf": lerf}.items()}


def main():
    index = json.loads((ROOT / "test/golden/methods/index.json").read_text())
    stored = index["inputs"]["wide"]
    (_, height, width, _), offset = stored["pixels"]["dims"], stored["pixels"]["offset"]
    raw = (ROOT / "test/golden/methods/values.bin").read_bytes()
    pixels = np.frombuffer(raw, np.uint8, height * width * 3, offset).reshape(1, height, width, 3)
    x = torch.from_numpy((np.float32(pixels.transpose(0, 3, 1, 2)) - 127) / 128)
    target = stored["targets"][0]
    model = load_pretrained()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    cam = ranked(height, width, CENTRE)
    with torch.no_grad():
        document = {
            "percentiles": PERCENTILES, "centre": CENTRE,
            "torchcam": of_torchcam(model, x, cam, target),
            "captum": {"patch": width // 7, **of_captum(model, x, cam, target, width // 7)},
            "quantus": of_quantus(model, x, cam, target, 2048, 16, 224, repeats=0),
        }
    document["pytorch-grad-cam"] = of_pgc(model, x, cam, target)
    (OUT / "bundled-scores.json").write_text(json.dumps(document, default=lambda value: value.tolist()))


if __name__ == "__main__":
    main()
