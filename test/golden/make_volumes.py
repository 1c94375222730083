"""Makes test/golden/volumes: seeded networks over volumes [N,C,D,H,W] and clips [N,T,C,H,W] from both PyTorch exporters, and
maps by autograd and `F.interpolate(mode="trilinear")`.
Usage: python test/golden/make_volumes.py
"""
import gzip
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401

import onnx  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

OUT = Path(__file__).resolve().parent / "volumes"
CLASS = 1


class Volumes(nn.Module):
    """Input [N,1,D,H,W]; layers at half and a quarter of its size."""

    shape = (1, 6, 12, 16)

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 6, 3, 2, 1)
        self.norm = nn.BatchNorm3d(6)
        self.second = nn.Conv3d(6, 8, 3, (1, 2, 2), 1)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        self.middle = F.silu(self.norm(self.first(x)))
        self.last = torch.tanh(self.second(F.avg_pool3d(self.middle, 3, 1, 1))) ** 2
        return self.head(self.last.mean((2, 3, 4)))


class Pooled(Volumes):
    """The same with max pooling and ReLU."""

    def forward(self, x):
        self.middle = F.relu(self.norm(self.first(x)))
        self.last = F.relu(self.second(F.max_pool3d(self.middle, 3, 1, 1)))
        return self.head(F.adaptive_avg_pool3d(self.last, 1).flatten(1))


class Clips(nn.Module):
    """Input [N,T,C,H,W]: every frame by itself, then a weighted mean over time."""

    shape = (5, 3, 12, 16)

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, 2, 1)
        self.second = nn.Conv2d(6, 8, 3, 2, 1)
        self.gate = nn.Linear(8, 1)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        n, t = x.shape[:2]
        self.middle = F.silu(self.first(x.reshape(n * t, *x.shape[2:])))
        self.last = F.relu(self.second(self.middle))
        frames = self.last.mean((2, 3)).reshape(n, t, -1)
        weights = torch.softmax(self.gate(frames), 1)
        return self.head((weights * frames).sum(1))


def volume(tensor):
    """[C, D, h, w] of the only image."""
    return tensor[0] if tensor.dim() == 5 else tensor.transpose(0, 1)


def maps(a, g, size):
    weights = {"grad-cam": g.mean((1, 2, 3), keepdim=True), "hirescam": g, "layer-cam": g.clamp(min=0)}
    result = {}
    for method, factor in weights.items():
        raw = (factor * a).sum(0)
        result[method] = {"raw": rounded(raw)}
        if method == "grad-cam":
            result[method]["map"] = rounded(resized(stretched(raw), size))
    return {"dims": list(a.shape)} | result


def stretched(raw):
    m = raw.clamp(min=0)
    return (m - m.min()) / (m.max() - m.min())


def resized(m, size):
    return F.interpolate(m[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]


def fused(layers, size):
    """Grad-CAM of two layers: the mean of the stretched maps at the larger one's size."""
    first, last = [stretched((g.mean((1, 2, 3), keepdim=True) * a).sum(0)) for a, g in layers]
    return rounded(resized((first + resized(last, first.shape)) / 2, size))


def rounded(tensor):
    return [float(f"{value:.5g}") for value in tensor.detach().flatten().tolist()]


def main():
    OUT.mkdir(exist_ok=True)
    golden = {"class": CLASS, "networks": {}}
    for kind in (Volumes, Pooled, Clips):
        torch.manual_seed(3)
        net = kind().eval()
        if hasattr(net, "norm"):
            nn.init.uniform_(net.norm.running_mean, -0.5, 0.5)
        # As the golden file holds it.
        x = torch.tensor(rounded(torch.randn(1, *kind.shape))).reshape(1, *kind.shape)
        scores = net.double()(x.double())
        middle, last = net.middle, net.last
        gradients = torch.autograd.grad(scores[0, CLASS], [middle, last])
        time = kind is Clips
        size = (kind.shape[0] if time else kind.shape[1], *kind.shape[2:])
        layers = [(volume(a).detach(), volume(g)) for a, g in zip((middle, last), gradients)]
        name = kind.__name__.lower()
        golden["networks"][name] = {
            "dims": [1, *kind.shape],
            "image": rounded(x),
            "score": float(scores[0, CLASS]),
            "layers": {where: maps(*layer, size) for where, layer in zip(("middle", "last"), layers)},
            "fused": fused(layers, size),
        }
        net = net.float()
        for exporter in ("legacy", "dynamo"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "net.onnx"
                if exporter == "legacy":
                    dynamic = {"dynamic_axes": {"x": {0: "N"}, "y": {0: "N"}}}
                    torch.onnx.export(net, (x,), path, input_names=["x"], output_names=["y"], dynamo=False,
                                      opset_version=17, **dynamic)
                else:
                    torch.onnx.export(net, (x,), path, input_names=["x"], output_names=["y"], dynamo=True,
                                      external_data=False, verbose=False)
                model = onnx.load(path)
            del model.metadata_props[:]
            for node in model.graph.node:
                del node.metadata_props[:]
                node.doc_string = ""
            (OUT / f"{name}-{exporter}.onnx.gz").write_bytes(gzip.compress(model.SerializeToString(), mtime=0))
    (OUT / "golden.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
