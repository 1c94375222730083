"""Runs a method of pytorch-grad-cam or torchcam and keeps its intermediate values.

Every function returns a dictionary with those of these keys that the method has:
  weights  [N,C]    channel weights
  scores   [N,C]    target score of each channel's run (score methods)
  raw      [N,h,w]  map at the layer's resolution before the outermost ReLU and before normalisation
  map                the library's result: [N,H,W] (pytorch-grad-cam), [N,h,w] (torchcam)
With several layers `weights`, `scores` and `raw` are lists, one entry a layer, in the order of execution.
"""
import contextlib
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401  (before anything that imports torchvision)

import numpy as np
import pytorch_grad_cam as pgc
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam import methods as tc

# Our names to the libraries' classes.
PGC = {
    "grad-cam": pgc.GradCAM, "grad-cam++": pgc.GradCAMPlusPlus, "hirescam": pgc.HiResCAM,
    "grad-cam-elementwise": pgc.GradCAMElementWise, "xgrad-cam": pgc.XGradCAM, "layer-cam": pgc.LayerCAM,
    "eigen-cam": pgc.EigenCAM, "eigen-grad-cam": pgc.EigenGradCAM, "kpca-cam": pgc.KPCA_CAM, "fem": pgc.FEM,
    "seg-eigen-cam": pgc.SegEigenCAM, "score-cam": pgc.ScoreCAM, "ablation-cam": pgc.AblationCAM,
}
TORCHCAM = {
    "cam": tc.CAM, "grad-cam": tc.GradCAM, "grad-cam++": tc.GradCAMpp, "smooth-grad-cam++": tc.SmoothGradCAMpp,
    "xgrad-cam": tc.XGradCAM, "layer-cam": tc.LayerCAM, "score-cam": tc.ScoreCAM, "is-cam": tc.ISCAM,
    "ss-cam": tc.SSCAM,
}


class RecordingTarget(ClassifierOutputTarget):
    """A class's logit that remembers every score it gave."""

    def __init__(self, category: int):
        super().__init__(category)
        self.scores: list[float] = []

    def __call__(self, model_output):
        score = super().__call__(model_output)
        self.scores.append(float(score))
        return score


def run_pgc(method: str, model, layers, x, classes, *, targets=None, eigen_smooth=False, aug_smooth=False, call=None,
            **options) -> dict:
    """`targets`: other target callables than the classes' logits. `call`: further arguments of the library's call."""
    torch.manual_seed(0)
    layers = layers if isinstance(layers, list) else [layers]
    recorders = [RecordingTarget(c) for c in classes]
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        cam = PGC[method](model, layers, **options)
        seen = {"weights": [], "raw": []}
        weights_of, image_of = cam.get_cam_weights, cam.get_cam_image

        def get_cam_weights(*args, **kwargs):
            value = weights_of(*args, **kwargs)
            seen["weights"].append(np.array(value))
            return value

        def get_cam_image(*args, **kwargs):
            value = image_of(*args, **kwargs)
            seen["raw"].append(np.array(value))
            return value

        cam.get_cam_weights, cam.get_cam_image = get_cam_weights, get_cam_image
        result = cam(x, targets or recorders, aug_smooth=aug_smooth, eigen_smooth=eigen_smooth, **(call or {}))
        cam.activations_and_grads.release()
    out = {"map": np.array(result), "raw": seen["raw"]}
    if seen["weights"] and seen["weights"][0].ndim == 2:
        out["weights"] = seen["weights"]
    if method in ("score-cam", "ablation-cam") and len(layers) == 1:
        # Ablation-CAM asks for the score of every unchanged sample first.
        skip = 1 if method == "ablation-cam" else 0
        out["scores"] = [np.array([r.scores[skip:] for r in recorders])]
    return out if len(layers) > 1 else {k: v[0] if k != "map" else v for k, v in out.items()}


def run_torchcam(method: str, model, layers, x, classes, *, fuse=False, **options) -> dict:
    torch.manual_seed(0)
    several = isinstance(layers, list)
    with TORCHCAM[method](model, layers, **options) as extractor:
        logits = model(x)
        if extractor._score_used:
            arguments = {"class_idx": list(classes), "scores": logits, "retain_graph": True}
        else:
            arguments = {"class_idx": list(classes)}
        weights_of = extractor._get_weights
        kept = []

        def get_weights(*args, **kwargs):
            value = weights_of(*args, **kwargs)
            kept.append([w.detach().numpy().copy() for w in value])
            return value

        extractor._get_weights = get_weights
        torch.manual_seed(0)
        cams = extractor(**arguments)
        out = {"map": [c.numpy().copy() for c in cams], "weights": kept[0]}
        if out["weights"][0].ndim > 2:
            del out["weights"]
        if fuse:
            out["fused"] = extractor.fuse_cams([c.clone() for c in cams]).numpy().copy()
        # The map before ReLU and normalisation: the same call with both off. Score methods write into their hooks'
        # tensors, so that a fresh forward pass comes first.
        if extractor._score_used:
            arguments["scores"] = model(x)
        else:
            model(x)
        extractor._relu = False
        torch.manual_seed(0)
        out["raw"] = [c.detach().numpy().copy() for c in extractor(**arguments, normalized=False)]
    return out if several else {k: v[0] if k != "fused" else v for k, v in out.items()}
