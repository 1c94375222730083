"""Makes test/golden/f0/compound.json: methods of fixture F0 that differentiate something else than a class's logit or
need more than one layer's tensors, so that only the whole network can compute them. Usage:
python test/golden/make_compound.py
"""
import contextlib
import io
import json

from make_f0 import IMAGE, OUT, tensor, torch_models  # noqa: I001  (loads torchvision's stand-in first)

import numpy as np
import pytorch_grad_cam as pgc
import torch
from captum.attr import DeepLift
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam import methods as tc

BASES = {"grad-cam": (pgc.GradCAM, tc.GradCAM), "grad-cam++": (pgc.GradCAMPlusPlus, tc.GradCAMpp),
         "layer-cam": (pgc.LayerCAM, tc.LayerCAM)}


def recorded(cam):
    """Keeps what a pytorch-grad-cam method sums up, before its ReLU."""
    seen = []
    image_of = cam.get_cam_image

    def get_cam_image(*args, **kwargs):
        seen.append(np.array(image_of(*args, **kwargs)))
        return seen[-1]

    cam.get_cam_image = get_cam_image
    return seen


def finer_pgc(model, x, target, base, **call):
    cam = pgc.FinerCAM(model, [model.act], base_method=BASES[base][0])
    seen = recorded(cam.base_cam)
    result = cam(x, target_idx=target, **call)
    return {"raw": seen[0], "map": result}


def finer_torchcam(model, x, target, base, **options):
    with tc.FinerCAM(model, "act", input_shape=(1, 4, 4), base_method=BASES[base][1], **options) as cam:
        result = cam([target], model(x))[0]
        cam.base_cam._relu = False
        return {"raw": cam([target], model(x), normalized=False)[0].detach(), "map": result}


def refine_pgc(model, x, target, base):
    cam = pgc.RefineCAM(model, [model.conv, model.act], base_method=BASES[base][0])
    return {"map": cam(x, [ClassifierOutputTarget(target)])}


def refine_torchcam(model, x, target, base):
    with tc.RefineCAM(model, ["conv", "act"], input_shape=(1, 4, 4), base_method=BASES[base][1]) as cam:
        return {"map": cam([target], model(x))[0]}


def shapley(model, x, target, view):
    """pytorch-grad-cam's formula; the library itself fails on tails that are linear or begin with a view."""
    activations = model.act(model.conv(x)).detach().requires_grad_(True)
    logits = model.tail(activations)
    y = logits[0, target] + (torch.log_softmax(logits, 1)[0, target] if view == "rest" else 0)
    (gradients,) = torch.autograd.grad(y, activations, create_graph=True)
    curvature = torch.zeros_like(activations)
    if gradients.requires_grad:
        (curvature,) = torch.autograd.grad(gradients, activations, grad_outputs=activations, allow_unused=True,
                                            materialize_grads=True)
    weights = (gradients - 0.5 * curvature).mean((2, 3)).detach()
    return {"weights": weights, "raw": (weights[:, :, None, None] * activations).sum(1).detach()}


def fullgrad(model, x, target):
    # A copy of the input: its gradient would pile up from call to call.
    with contextlib.redirect_stdout(io.StringIO()):
        cam = pgc.FullGrad(model, [])
    seen = []
    layers_of = cam.compute_cam_per_layer

    def compute_cam_per_layer(*args, **kwargs):
        seen.append(layers_of(*args, **kwargs))
        return seen[-1]

    cam.compute_cam_per_layer = compute_cam_per_layer
    result = cam(x.clone(), [ClassifierOutputTarget(target)])
    return {"raw": seen[0].sum(1), "map": result}


def guided(name, x, target):
    model = torch_models()[name].eval()  # its ReLU modules are replaced
    result = pgc.GuidedBackpropReLUModel(model, "cpu")(x.clone(), target)
    return {"raw": np.asarray(result).reshape(4, 4)[None]}


def lift(model, x, target):
    activations = model.act(model.conv(x)).detach().requires_grad_(True)
    parts = DeepLift(model.tail).attribute(activations, torch.zeros_like(activations), target=target)
    weights = parts.sum((2, 3))
    return {"weights": weights.detach(), "raw": (weights[:, :, None, None] * activations).sum(1).detach()}


def main() -> None:
    x = torch.tensor(IMAGE, dtype=torch.float32)[None, None]
    cases = []
    for name, model in torch_models().items():
        model.eval()

        def add(library, method, params, view, result, target=0, layers=("A",)):
            cases.append({"model": name, "library": library, "method": method, "target": target, "view": view,
                          "layers": list(layers), "params": params,
                          **{key: tensor(np.asarray(value)) for key, value in result.items()}})

        for target in range(model(x).shape[1]):
            for base in BASES:
                add("pytorch-grad-cam", "finer-cam", {"base": base}, "logit", finer_pgc(model, x, target, base), target)
                add("torchcam", "finer-cam", {"base": base}, "logit", finer_torchcam(model, x, target, base), target)
                add("pytorch-grad-cam", "refine-cam", {"base": base}, "logit", refine_pgc(model, x, target, base),
                    target, ("conv", "A"))
                add("torchcam", "refine-cam", {"base": base}, "logit", refine_torchcam(model, x, target, base),
                    target, ("conv", "A"))
            add("pytorch-grad-cam", "finer-cam", {"alpha": 0.3}, "logit",
                finer_pgc(model, x, target, "grad-cam", alpha=0.3), target)
            add("torchcam", "finer-cam", {"alpha": 0.3, "references": 1}, "logit",
                finer_torchcam(model, x, target, "grad-cam", gamma=0.3, num_references=1), target)
            for view in ("logit", "rest"):
                add("formula", "shapley-cam", {}, view, shapley(model, x, target, view), target)
            add("pytorch-grad-cam", "fullgrad", {}, "logit", fullgrad(model, x, target), target, ())
            add("pytorch-grad-cam", "guided-backprop", {}, "logit", guided(name, x, target), target, ())
            add("captum", "lift-cam", {}, "logit", lift(model, x, target), target)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / "compound.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
