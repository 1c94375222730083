"""Makes test/golden/metrics/bundled.json and bundled-pixels.bin: what torchcam, pytorch-grad-cam, Quantus and captum say of maps
of the bundled model on the bundled pictures. Usage: python test/golden/make_bundled_metrics.py

The PyTorch model holds the weights of the ONNX file (scripts/efficientnet_lite0.py); pictures are stored as 8-bit pixels and the
model gets (pixel - 127) / 128. Maps are the same to the last bit in both languages: a Grad-CAM rounded to 256ths at the layer's
size (7x7), whose enlargement by 32 float32 holds exactly, and two made of it or of a formula without equal values.
Besides bench/peers/requirements.txt: quantus==0.6.0 (--no-deps; with pandas cachetools pytz) and captum==0.9.0.
"""
import json
import sys
from pathlib import Path

import numpy as np
import quantus
import torch
import torch.nn.functional as F
from captum.metrics import infidelity, sensitivity_max
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.metrics.arcc import Coherency, Complexity
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined, ROADLeastRelevantFirst, ROADMostRelevantFirst
from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirstAverage, ROADMostRelevantFirstAverage
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget
from quantus.functions.similarity_func import correlation_spearman, ssim

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from efficientnet_lite0 import load_pretrained  # noqa: E402
from make_score_metrics import PERCENTILES, Switched, of_torchcam, plain  # noqa: E402

OUT = Path(__file__).resolve().parent / "metrics"
SIDE, PIXELS, PATCH, STEP = 224, 224 * 224, 32, 1792
# Of each picture: its class and a box around its object, [x, y, width, height] at 224 x 224.
PICTURES = {"cat.png": (285, [30, 20, 120, 170]), "coffee.jpg": (967, [60, 60, 110, 100]), "rocket.jpg": (657, [100, 10, 40, 190])}

# One imputation for each set of pixels, without noise: several of the classes below ask for the same.
NoisyLinearImputer.__init__.__defaults__ = (0, NoisyLinearImputer.__init__.__defaults__[1])
impute, imputed = NoisyLinearImputer.__call__, {}


def impute_once(self, image, mask):
    key = (image.numpy().tobytes(), mask.numpy().tobytes())
    if key not in imputed:
        imputed[key] = impute(self, image, mask)
    return imputed[key]


NoisyLinearImputer.__call__ = impute_once


def enlarged(cells):
    return F.interpolate(torch.tensor(cells)[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].numpy()


def untied(smooth):
    """256 levels of the map; among equal ones the later pixel is the larger."""
    levels = np.floor(smooth.reshape(-1) * 256).astype(np.int64)
    return np.float32((levels * 65536 + np.arange(PIXELS)) / 2**24).reshape(SIDE, SIDE)


def scattered():
    return np.float32(((np.arange(PIXELS) * 31393) % PIXELS) / 65536).reshape(SIDE, SIDE)


def of_pgc(net, x, cam, target, method):
    asked = [x, cam[None], [ClassifierOutputSoftmaxTarget(target)], net]
    values = {
        "average-drop": DropInConfidence()(*asked),
        "average-increase": IncreaseInConfidence()(*asked),
        "morf": [ROADMostRelevantFirst(q)(*asked) for q in PERCENTILES],
        "lerf": [ROADLeastRelevantFirst(q)(*asked) for q in PERCENTILES],
        "road-morf": ROADMostRelevantFirstAverage()(*asked),
        "road-lerf": ROADLeastRelevantFirstAverage()(*asked),
        "road": ROADCombined()(*asked),
        "complexity": Complexity()(cam[None]),
        "coherency": Coherency()(x, cam[None], [ClassifierOutputTarget(target)], net, method),
    }
    return {name: plain(value) for name, value in values.items()}


def of_captum(net, x, cam, target):
    corners = [(top, left) for top in range(0, SIDE, PATCH) for left in range(0, SIDE, PATCH)]
    attribution = torch.tensor(cam).expand_as(x)

    def perturb(inputs):
        changes = torch.zeros_like(inputs)
        for (top, left), change, one in zip(corners, changes, inputs):
            change[:, top:top + PATCH, left:left + PATCH] = one[:, top:top + PATCH, left:left + PATCH]
        return changes, inputs - changes

    scores = {"logit": net, "probability": lambda v: torch.softmax(net(v), -1)}
    with torch.no_grad():
        return {
            f"{score} {'normalized' if normalize else 'plain'}": plain(
                infidelity(forward, perturb, x, attribution, target=target, n_perturb_samples=len(corners), normalize=normalize))
            for score, forward in scores.items() for normalize in [False, True]
        }


def of_quantus(net, x, cam, target, box):
    quiet = dict(disable_warnings=True, display_progressbar=False)
    left, top, width, height = box
    mask = np.zeros((1, 1, SIDE, SIDE), bool)
    mask[..., top:top + height, left:left + width] = True
    batch = dict(y_batch=np.array([target]), a_batch=cam[None, None], device="cpu")
    whole = dict(model=net, x_batch=x.numpy(), channel_first=True, **batch)
    switched = dict(model=Switched(net, x).eval(), x_batch=np.ones((1, 1, SIDE, SIDE), np.float32), channel_first=True, **batch)
    values = {
        "pixel-flipping": quantus.PixelFlipping(features_in_step=STEP, perturb_baseline=0.0, normalise=False, **quiet)(**switched),
        "region-perturbation": quantus.RegionPerturbation(patch_size=PATCH, regions_evaluation=49, normalise=False, **quiet)(**whole),
    }
    same = dict(normalise=False, **quiet)
    for name, metric in [("pointing-game", quantus.PointingGame), ("rank-accuracy", quantus.RelevanceRankAccuracy),
                         ("energy-pointing-game", quantus.RelevanceMassAccuracy), ("top-k", quantus.TopKIntersection),
                         ("roc-auc", quantus.AUC)]:
        values[name] = metric(**same)(**whole, s_batch=mask)
    for name, metric in [("sparseness", quantus.Sparseness), ("entropy", quantus.Complexity),
                         ("effective-complexity", quantus.EffectiveComplexity)]:
        values[name] = metric(**same)(**whole)
    return {name: plain(value[0]) for name, value in values.items()}


def sensitivity(net, x, target, samples=4, repeats=12):
    """captum's, of a Grad-CAM that is stretched at the layer's size and then enlarged."""
    def explain(inputs):
        (v,) = inputs if isinstance(inputs, tuple) else (inputs,)
        with torch.enable_grad():
            kept = {}
            handle = net.head_act.register_forward_hook(lambda _m, _i, out: kept.update(a=out))
            v = v.detach().requires_grad_(True)
            scores = net(v)[:, target].sum()
            handle.remove()
            (gradient,) = torch.autograd.grad(scores, kept["a"])
        raw = (gradient.mean((2, 3), keepdim=True) * kept["a"]).sum(1, keepdim=True).relu().detach()
        low, high = raw.amin((2, 3), keepdim=True), raw.amax((2, 3), keepdim=True)
        return (F.interpolate((raw - low) / (high - low), (SIDE, SIDE), mode="bilinear", align_corners=False),)

    torch.manual_seed(0)
    values = [float(sensitivity_max(explain, x, perturb_radius=0.1, n_perturb_samples=samples)) for _ in range(repeats)]
    return {"radius": 0.1, "n": samples, "mean": np.mean(values), "sd": np.std(values, ddof=1), "repeats": repeats}


def main():
    net = load_pretrained().eval()
    for parameter in net.parameters():
        parameter.requires_grad_(True)
    pictures, pixels = [], []
    for name, (target, box) in PICTURES.items():
        picture = np.asarray(Image.open(ROOT / "assets" / "pictures" / name).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        pixels.append(picture)
        x = torch.from_numpy((np.float32(picture.transpose(2, 0, 1)[None]) - 127) / 128)
        print(name, "best classes", net(x)[0].topk(3).indices.tolist(), flush=True)
        moved = sensitivity(net, x, target) if name == "cat.png" else None
        method = GradCAM(net, [net.head_act])
        method(x, [ClassifierOutputTarget(target)])
        activations, gradients = method.activations_and_grads.activations[0], method.activations_and_grads.gradients[0]
        raw = np.maximum(0, (gradients.mean((2, 3), keepdims=True) * activations).sum(1)[0].detach().numpy())
        cells = np.float32(np.round(255 * (raw - raw.min()) / (raw.max() - raw.min())) / 256)
        maps = {"cells": enlarged(cells), "untied": untied(enlarged(cells)), "scattered": scattered()}
        found = {}
        for kind in ["cells", "scattered"]:
            found[kind] = {"torchcam": of_torchcam(net, x, maps[kind], target),
                           "pytorch-grad-cam": of_pgc(net, x, maps[kind], target, method)}
        method.activations_and_grads.release()
        found["cells"]["captum"] = of_captum(net, x, maps["cells"], target)
        found["untied"] = {"quantus": of_quantus(net, x, maps["untied"], target, box)}
        similar = {
            "spearman": float(correlation_spearman(maps["untied"].reshape(1, -1), maps["scattered"].reshape(1, -1), batched=True)[0]),
            "ssim": float(ssim(maps["untied"], maps["cells"])),
        }
        pictures.append({"name": name, "target": target, "box": box, "cells": (cells * 256).astype(int).reshape(-1).tolist(),
                         "maps": found, "similarity": similar,
                         "sensitivity": moved})
        print(json.dumps(pictures[-1], default=float)[:600], flush=True)
    (OUT / "bundled-pixels.bin").write_bytes(np.stack(pixels).tobytes())
    document = {"percentiles": PERCENTILES, "patch": PATCH, "step": STEP, "pictures": pictures}
    (OUT / "bundled.json").write_text(json.dumps(document, default=lambda value: value.tolist()) + "\n")


if __name__ == "__main__":
    main()
