"""Makes test/golden/techniques.json: what pytorch-grad-cam 1.5.7, torchcam 0.5.0 and captum 0.9.0 give with their auxiliary
techniques for the bundled model on the inputs of test/golden/methods, and plain re-statements of CAMERAS, Jitter-CAM, multi-scale
with mirror images, the paper's SESS and the fusion of layers. The re-statements are first compared with the worked values of
the networks M2 and MG (docs/methods.md, docs/techniques.md). Usage: python test/golden/make_techniques.py

Maps at the input's size are stored at every sixteenth row and column, large ones of layers at every second. Where LAPACK leaves a principal component's sign open it is
the one for which the sum of M * mean_k |A_k| is not negative.
"""
import contextlib
import io
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from cam_libraries import PGC, run_torchcam  # noqa: E402, I001  (makes torchvision importable)

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam, NoiseTunnel
from efficientnet_lite0 import load_pretrained
from pytorch_grad_cam.sess import SESS
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

OUT = Path(__file__).resolve().parent / "techniques.json"
INDEX = json.loads((ROOT / "test/golden/methods/index.json").read_text())
LAYERS = {name: one["module"] for name, one in INDEX["layers"].items()}
STEP, LAYER_STEP = 16, 2


def stretched(m, eps=0.0):
    """Zeros of a map without a range."""
    span = m.max() - m.min()
    return (m - m.min()) / (span + eps) if span > 0 else torch.zeros_like(m)


def enlarged(m, size):
    return F.interpolate(m[None, None], tuple(size), mode="bilinear", align_corners=False)[0, 0]


def product_of(kind):
    """How G and A become a map."""
    if kind == "grad-cam":
        return lambda a, g: (g.mean((1, 2), keepdim=True) * a).sum(0)
    return lambda a, g: (g * a).sum(0)


def tensors(net, module, x, target):
    """Activations and gradients [C, h, w] of a layer, and the logits."""
    kept = {}
    handle = module.register_forward_hook(lambda _m, _i, out: kept.update(a=out))
    x = x.detach().requires_grad_(True)
    logits = net(x)
    handle.remove()
    (g,) = torch.autograd.grad(logits[:, target].sum(), kept["a"])
    return kept["a"][0].detach(), g[0].detach(), logits[0].detach()


def raw_of(net, module, x, target, kind="grad-cam"):
    a, g, _ = tensors(net, module, x, target)
    return product_of(kind)(a, g)


# Re-statements


def multi_scale(net, module, x, target, scales, flip=True):
    size = x.shape[-2:]
    total = torch.zeros(size)
    for scale in scales:
        at = [round(side * scale) for side in size]
        scaled = F.interpolate(x, at, mode="bilinear", align_corners=False)
        total += enlarged(raw_of(net, module, scaled, target).relu(), size)
        if flip:
            total += enlarged(raw_of(net, module, scaled.flip(-1), target).relu().flip(-1), size)
    return total / (total.max() + 1e-5)


def cameras(net, module, x, target, sizes, filtered, kind="hirescam"):
    at = [F.interpolate(x, (sizes[0],) * 2, mode="bicubic", align_corners=False) if sizes[0] != x.shape[-1] else x]
    at += [F.interpolate(at[0], (side,) * 2, mode="bicubic", align_corners=False) for side in sizes[1:]]
    sums, kept, best = [0, 0], 0, None
    for one in at:
        a, g, logits = tensors(net, module, one, target)
        best = int(logits.argmax()) if best is None else best
        if filtered and int(logits.argmax()) != best:
            continue
        kept += 1
        for i, t in enumerate((a, g)):
            sums[i] = sums[i] + F.interpolate(t[None], (sizes[0],) * 2, mode="bilinear", align_corners=False)[0]
    return stretched(product_of(kind)(sums[0] / kept, sums[1] / kept).relu()), kept


def jitter(net, module, x, target, factor):
    """Sums of the crops' maps, and how many lie on each cell."""
    h, w = raw_of(net, module, x, target).shape
    side, stride = x.shape[-1], x.shape[-1] // w
    more = [h * factor - h, w * factor - w]
    large = F.interpolate(x, (side + more[0] * stride, side + more[1] * stride), mode="nearest")
    total, count = torch.zeros(h * factor, w * factor), torch.zeros(h * factor, w * factor)
    for i in range(more[0] + 1):
        for j in range(more[1] + 1):
            crop = large[..., i * stride:i * stride + side, j * stride:j * stride + side]
            total[i:i + h, j:j + w] += raw_of(net, module, crop, target).relu()
            count[i:i + h, j:j + w] += 1
    return total, count


def starts(length, window):
    return [*range(0, length - window, window), length - window]


def sess_paper(net, module, x, target, scales, pool="mean", smooth=True, ratio=0.0):
    height, width = x.shape[-2:]
    window = min(height, width)
    patches = []
    for i in range(scales):
        side = window + round(window * 2 / 7) * i
        at = (int(height * side / window), int(width * side / window))
        scaled = F.interpolate(x, at, mode="bilinear", align_corners=False)
        for top in starts(at[0], window):
            for left in starts(at[1], window):
                patches.append((scaled[..., top:top + window, left:left + window], top, left, at))
    with torch.no_grad():
        scores = np.array([float(torch.softmax(net(p), -1)[0, target]) for p, *_ in patches])
    order = np.argsort(scores, kind="stable")[int(len(scores) * ratio):]
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for i in order:
        patch, top, left, at = patches[i]
        m = enlarged(stretched(raw_of(net, module, patch, target).relu()), (window, window)) * (scores[i] / scores.max())
        full = np.zeros(at, np.float32)
        full[top:top + window, left:left + window] = m.numpy()
        full = cv2.resize(full, (width, height))
        if pool == "max":
            total = np.maximum(total, full)
        else:
            total, count = total + full * (full > 0), count + (full > 0)
    m = total if pool == "max" else np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return torch.from_numpy(cv2.GaussianBlur(m, (11, 11), 5.0) if smooth else m)


def fused(raws, fusion, convention, size):
    """Of raw maps from the shallowest to the deepest."""
    eps = {"paper": 0, "torchcam": 1e-8, "pytorch-grad-cam": 1e-7}[convention]
    maps = [stretched(raw.relu(), eps) for raw in raws]
    if fusion == "tanh-max":
        plain = 0 if convention == "torchcam" else 1
        maps = [torch.tanh(2 * m) if i < len(maps) - plain else m for i, m in enumerate(maps)]
    tool = convention == "pytorch-grad-cam"
    at = size if tool else [max(m.shape[axis] for m in maps) for axis in (0, 1)]
    maps = [enlarged(m, at) for m in maps]
    if fusion == "product" and tool:
        maps = [stretched(m, eps) for m in maps]
    stack = torch.stack(maps)
    one = stack.mean(0) if fusion == "mean" else stack.prod(0) if fusion == "product" else stack.max(0).values
    return stretched(one, eps) if tool or fusion == "product" else one


class Toy(torch.nn.Module):
    """M2, and MG with the mean of each channel."""

    def __init__(self, mean):
        super().__init__()
        self.conv, self.act = torch.nn.Conv2d(1, 2, 2, 2), torch.nn.ReLU()
        self.pool = torch.nn.AdaptiveAvgPool2d(1) if mean else torch.nn.Identity()
        rows = [[.5, -.3], [-.1, .4], [.2, .1]] if mean else [
            [.5, -.2, .1, .4, -.3, .6, .2, -.1], [-.1, .3, .2, .1, .4, .2, -.2, .3], [.2, .1, -.3, .1, .1, -.4, .3, .2]]
        self.head = torch.nn.Linear(len(rows[0]), 3)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[[[1., 0], [0, 1]]], [[[0, 1], [.5, -1]]]]))
            self.conv.bias.copy_(torch.tensor([0, .5]))
            self.head.weight.copy_(torch.tensor(rows))
            self.head.bias.copy_(torch.tensor([.1, 0, -.1]))

    def forward(self, x):
        return self.head(self.pool(self.act(self.conv(x))).flatten(1))


def check_worked_values():
    x = torch.tensor([[1., 2, 0, 1], [0, 1, 3, 0], [2, 0, 1, 1], [1, 1, 0, 2]])[None, None]
    m2, mg = Toy(False).eval(), Toy(True).eval()

    def same(found, *expected):
        expected = torch.tensor(expected)
        off = float((found.reshape(-1)[:len(expected)] - expected).abs().max())
        assert off < 1e-5, (found, expected)

    same(multi_scale(mg, mg.act, x, 0, [1, 2]), .521118, .732382, .813047, .924441, .500952, .671564, .999984, .828732,
         .790640, .644036, .759271, .827771, .765672, .731102, .654279, .880907)
    same(cameras(mg, mg.act, x, 0, [4, 6, 8], False)[0], .372638, .663722, .175233, 0, .227585, .433738, .636180, .053924,
         .676576, .290950, .488459, .715475, .764475, .515408, .403777, 1)
    total, count = jitter(m2, m2.act, x, 0, 2)
    same(total / (count + 1), .25, .633333, .033333, .25, .033333, .4, 1.12, .033333, .633333, .04, .4, .333333, .25, .333333,
         .033333, .475)
    same(total / count, .5, .95, .05, .5, .05, .5, 1.4, .05, .95, .05, .5, .5, .5, .5, .05, .95)
    same(sess_paper(m2, m2.act, x, 0, 3, smooth=False), .204959, .377609, .238482, .045084)
    same(sess_paper(m2, m2.act, x, 0, 3, pool="max", smooth=False), .765628, .885192, .609639, .086358)
    same(sess_paper(m2, m2.act, x, 0, 3), .300085, .291812, .291129, .292873)
    same(fused([torch.tensor([[0, .5], [1, .25]]), torch.tensor([[.2, 1], [.5, 0]])], "product", "paper", (2, 2)), 0, 1, 1, 0)


def signed_projection(cam):
    """The sign that LAPACK leaves open, by the rule above."""
    image_of = cam.get_cam_image

    def get_cam_image(tensor, layer, targets, activations, grads, eigen_smooth=False):
        m = image_of(tensor, layer, targets, activations, grads, eigen_smooth)
        if not eigen_smooth:
            return m
        weight = np.abs(activations).mean(1)
        return m * np.where((m * weight).sum((1, 2), keepdims=True) < 0, -1, 1)

    cam.get_cam_image = get_cam_image


def of_pgc(net, modules, x, target, method, aug_smooth, eigen_smooth):
    cam = PGC[method](net, modules)
    signed_projection(cam)
    with contextlib.redirect_stderr(io.StringIO()):
        m = cam(x, [ClassifierOutputTarget(target)], aug_smooth=aug_smooth, eigen_smooth=eigen_smooth)
    cam.activations_and_grads.release()
    return m[0]


def of_captum(net, module, x, target, kind, sigma, n, repeats):
    """Mean over the repeats, and the deviation of one of them: [h, w] each."""
    tunnel = NoiseTunnel(LayerGradCam(net, module))
    scale = sigma * float(x.max() - x.min())
    torch.manual_seed(0)
    maps = torch.stack([tunnel.attribute(x, nt_type=kind, nt_samples=n, nt_samples_batch_size=1, stdevs=scale, target=target,
                                         relu_attributions=False)[0, 0].detach() for _ in range(repeats)]).double()
    return maps.mean(0), maps.std(0)


def inputs():
    raw = (ROOT / "test/golden/methods/values.bin").read_bytes()
    found = {}
    for name, stored in INDEX["inputs"].items():
        dims, offset = stored["pixels"]["dims"], stored["pixels"]["offset"]
        pixels = np.frombuffer(raw, np.uint8, int(np.prod(dims)), offset).reshape(dims)
        found[name] = torch.from_numpy((np.float32(pixels.transpose(0, 3, 1, 2)) - 127) / 128)
    # The cat of the pair, and the wide picture.
    return {"cat": (found["pair"][:1], 285), "wide": (found["wide"], 281)}


def rounded(values):
    values = np.asarray(values, np.float64).reshape(-1)
    assert np.isfinite(values).all()
    return [float(f"{v:.6g}") for v in values]


def main():
    check_worked_values()
    net = load_pretrained().eval()
    for parameter in net.parameters():
        parameter.requires_grad_(True)
    modules = dict(net.named_modules())
    cases, pictures = [], inputs()

    def add(name, layer, method, convention, m, *, technique=None, params=None, **more):
        m = np.asarray(m)
        assert m.max() > 0, "an empty map shows nothing"
        x = pictures[name][0]
        full = m.shape == tuple(x.shape[-2:])
        sparse = not m[::LAYER_STEP, ::LAYER_STEP].any()
        step = STEP if full else LAYER_STEP if m.size > 1000 and not sparse else 1
        m = m[::step, ::step]
        record = {"input": name, "layer": layer, "method": method, "convention": convention,
                  **({"technique": {"name": technique, "params": params or {}}} if technique else {}),
                  **more, "size": "input" if full else "layer", "step": step, "dims": list(m.shape), "values": rounded(m)}
        cases.append(record)
        print(technique or more, name, layer, method, convention, flush=True)

    at = {k: modules[v] for k, v in LAYERS.items()}
    x, target = pictures["wide"]
    for method, layer in (("grad-cam", "signed"), ("grad-cam++", "last"), ("hirescam", "middle")):
        for aug, eigen in ((True, False), (False, True), (True, True)):
            m = of_pgc(net, [at[layer]], x, target, method, aug, eigen)
            more = {"source": "pytorch-grad-cam", **({"eigenSmooth": True} if eigen else {})}
            add("wide", layer, method, "pytorch-grad-cam", m, technique="augmentation" if aug else None, **more)
    for aug, eigen in ((True, False), (False, True), (True, True)):
        m = of_pgc(net, [at["signed"], at["last"]], x, target, "grad-cam", aug, eigen)
        more = {"source": "pytorch-grad-cam", **({"eigenSmooth": True} if eigen else {})}
        add("wide", ["signed", "last"], "grad-cam", "pytorch-grad-cam", m, technique="augmentation" if aug else None, **more)

    for params in ({}, {"smooth": False}, {"smooth": False, "fuse": "max"}, {"ratio": .5}, {"fuse": "max", "ratio": .5}):
        tool = SESS(net, [at["last"]], num_scales=3, pre_filter_ratio=params.get("ratio", 0), pool=params.get("fuse", "mean"),
                    smooth=params.get("smooth", True))
        m = tool(x, [ClassifierOutputTarget(target)])[0]
        add("wide", "last", "grad-cam", "pytorch-grad-cam", m, technique="sess", params={"scales": 3, **params},
            source="pytorch-grad-cam")
    # In float64: at one window a clamp before the last layer flips in PyTorch's float32, which moves the map by 2.6e-3.
    tool = SESS(net.double(), [at["signed"], at["last"]], num_scales=2)
    add("wide", ["signed", "last"], "grad-cam", "pytorch-grad-cam", tool(x.double(), [ClassifierOutputTarget(target)])[0],
        technique="sess", params={"scales": 2}, source="pytorch-grad-cam")
    net.float()
    for params in ({}, {"smooth": False, "fuse": "max"}, {"ratio": .5, "smooth": False}):
        m = sess_paper(net, at["last"], x, target, 2, params.get("fuse", "mean"), params.get("smooth", True),
                       params.get("ratio", 0))
        add("wide", "last", "grad-cam", "paper", m, technique="sess", params={"scales": 2, **params}, source="re-statement")

    for scales, flip in (([1, .5, 1.5, 2], True), ([1, .75], False)):
        add("wide", "last", "grad-cam", "paper", multi_scale(net, at["last"], x, target, scales, flip),
            technique="multi-scale", params={"scales": scales, "flip": flip}, source="re-statement")

    cat, own = pictures["cat"]
    for sizes, filtered in (([224, 324, 424], False), ([224, 48, 324], True)):
        best = int(net(cat)[0].argmax()) if filtered else own
        m, kept = cameras(net, at["signed"], cat, best, sizes, filtered)
        assert kept == len(sizes) - filtered, "one size has another class"
        add("cat", "signed", "hirescam", "paper", m, technique="cameras", params={"sizes": sizes}, source="re-statement",
            **({"target": "top1"} if filtered else {}))

    total, count = jitter(net, at["last"], cat, own, 2)
    for mode, m in (("true", total / count), ("official", total / (count + 1))):
        add("cat", "last", "grad-cam", "paper", m, technique="jitter-cam", params={"factor": 2, "mode": mode},
            source="re-statement", raw=True)

    for method in ("grad-cam", "grad-cam++"):
        layers = ["signed", "last"]
        m = run_torchcam(method, net, [LAYERS[k] for k in layers], x, [target], fuse=True)["fused"][0]
        add("wide", layers, method, "torchcam", m, source="torchcam")
    for layers in (["signed", "last"], ["early", "signed", "last"]):
        raws = [raw_of(net, at[k], x, target) for k in layers]
        assert all(raw.max() > 0 for raw in raws)
        for convention in ("paper", "pytorch-grad-cam", "torchcam"):
            for fusion in ("mean", "max", "tanh-max", "product"):
                add("wide", layers, "grad-cam", convention, fused(raws, fusion, convention, x.shape[-2:]), fusion=fusion,
                    source="re-statement")

    moments = []
    for mode, kind in (("mean", "smoothgrad"), ("square", "smoothgrad_sq"), ("variance", "vargrad")):
        n, sigma, repeats = 5, .1, 60
        mean, sd = of_captum(net, at["last"], x, target, kind, sigma, n, repeats)
        moments.append({"input": "wide", "layer": "last", "mode": mode, "n": n, "sigma": sigma, "repeats": repeats,
                        "dims": list(mean.shape), "mean": rounded(mean), "sd": rounded(sd)})
        print("captum", kind, flush=True)

    document = {"targets": {k: t for k, (_, t) in pictures.items()}}
    lines = lambda records: ",\n".join("  " + json.dumps(record) for record in records)  # noqa: E731
    OUT.write_text(f'{json.dumps(document)[:-1]}, "cases": [\n{lines(cases)}\n], "moments": [\n{lines(moments)}\n]}}\n')
    print(OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
