"""Makes test/golden/opti-cam.json: Opti-CAM's loop as its official code runs it, in PyTorch's autograd and Adam.

Three networks: the toy models M2 and M3 (make_f0.py), a small network whose weights come from weights.py, which
test/methods/opti-cam.test.ts builds again, and EfficientNet-Lite0 on the bundled cat. All in float64, so that what
differs is the rounding of the software under test. Usage: python test/golden/make_opti_cam.py
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from make_f0 import IMAGE, torch_models
from weights import uniform

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from efficientnet_lite0 import load_pretrained  # noqa: E402

OUT = Path(__file__).resolve().parent / "opti-cam.json"
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]


class Small(nn.Module):
    """Conv (the target layer: values of both signs) of stride 2, Tanh, Conv, ReLU, Flatten, Linear."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 7, 3, 2, 1)
        self.second = nn.Conv2d(7, 6, 3, 1, 1)
        self.head = nn.Linear(6 * 6 * 8, 4)
        for seed, (parameter, scale) in enumerate(zip(self.parameters(), (0.4, 0.1, 0.4, 0.1, 0.3, 0.1)), 1):
            parameter.data = torch.from_numpy(uniform(seed, parameter.numel(), scale)).reshape(parameter.shape)

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.tanh(self.first(x)))).flatten(1))


def normalised(saliency, normalization):
    if normalization == "sigmoid":
        return torch.sigmoid(saliency)
    high, low = saliency.max(), saliency.min()
    return saliency / high if normalization == "max" else (saliency - low) / (high - low)


def opti_cam(model, layer, image, mean, std, target, n, lr, normalization="min-max", loss="plain"):
    """`image` [1,C,H,W] before mean and standard deviation are taken, which come after the mask."""
    mean, std = (torch.tensor(v, dtype=torch.float64).reshape(1, -1, 1, 1) for v in (mean, std))
    score = lambda x: model((x - mean) / std)[:, target]  # noqa: E731
    kept = []
    handle = layer.register_forward_hook(lambda _m, _i, out: kept.append(out.detach()))
    clean = score(image).detach()
    handle.remove()
    features = torch.relu(kept[0])
    u = torch.full((1, features.shape[1]), 0.5, dtype=torch.float64, requires_grad=True)
    combined = lambda: (torch.softmax(u, 1)[:, :, None, None] * features).sum(1, keepdim=True)  # noqa: E731
    optimizer = torch.optim.Adam([u], lr=lr)
    previous, losses, stopped, first_gradient = float("inf"), [], False, None
    for step in range(n):
        before = u.detach().clone()
        mask = normalised(F.interpolate(combined(), image.shape[2:], mode="bilinear", align_corners=False), normalization)
        drop = clean - score(image * mask)
        value = drop.abs().sum() if loss == "absolute" else drop.sum()
        optimizer.zero_grad()
        value.backward()
        first_gradient = u.grad[0].tolist() if step == 0 else first_gradient
        losses.append(value.item())
        optimizer.step()
        if step % max(n // 10, 1) == 0:
            if value.item() > previous:
                # The official code gives back the mask that the loss was found with.
                u.data, stopped = before, True
                break
            previous = value.item()
    with torch.no_grad():
        raw = combined()
        mask = normalised(F.interpolate(raw, image.shape[2:], mode="bilinear", align_corners=False), "min-max")
    numbers = lambda t: [float(f"{v:.8g}") for v in t.flatten().tolist()]  # noqa: E731
    return {"target": target, "n": n, "lr": lr, "normalization": normalization, "loss": loss, "losses": losses,
            "firstGradient": numbers(torch.tensor(first_gradient)), "stopped": stopped,
            "raw": {"dims": list(raw.shape[2:]), "data": numbers(raw)},
            "map": {"dims": [*mask[:, :, ::4, ::4].shape[2:]], "data": numbers(mask[:, :, ::4, ::4])}}


def main() -> None:
    torch.set_default_dtype(torch.float64)
    document = {"mean": MEAN, "std": STD, "cases": []}

    def add(name, *arguments, **options):
        document["cases"].append({"model": name, **opti_cam(*arguments, **options)})

    plain = ([0.0], [1.0])
    for name in ("m2", "m3"):
        model = torch_models()[name].double()
        for n in (1, 20):
            add(name, model, model.act, torch.tensor(IMAGE).double()[None, None], *plain, target=0, n=n, lr=0.1)
    small = Small().double()
    picture = torch.from_numpy(uniform(20, 3 * 12 * 16, 0.5, 0.5).astype(np.float64)).reshape(1, 3, 12, 16)
    for target in range(4):
        for options in ({}, {"normalization": "sigmoid"}, {"normalization": "max"}, {"loss": "absolute"}, {"lr": 1.0}):
            add("small", small, small.first, picture, MEAN, STD, **{"target": target, "n": 20, "lr": 0.1} | options)
    lite = load_pretrained().double()
    for parameter in lite.parameters():
        parameter.requires_grad_(False)
    cat = Image.open(ROOT / "assets" / "pictures" / "cat.png").convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.asarray(cat).transpose(2, 0, 1)[None].astype(np.float64))
    layer = dict(lite.named_modules())["head_act"]
    add("lite", lite, layer, pixels, [127.0] * 3, [128.0] * 3, target=285, n=6, lr=0.1)
    print([(c["model"], c["target"], len(c["losses"]), c["stopped"], c["losses"][0], c["losses"][-1])
           for c in document["cases"]])
    OUT.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
