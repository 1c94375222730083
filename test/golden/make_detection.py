"""Makes test/golden/detection: small seeded detectors as ONNX, in the layouts that exporters write, and what PyTorch says.

Candidates that belong to a box are those torchvision.ops.box_iou selects; scores are sums of obj·cls over them; their
gradients at a layer are autograd's, with HiResCAM's and Grad-CAM's sums written out. The D-RISE similarities are its formula
in numpy.
Usage: python test/golden/make_detection.py
"""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torchvision.ops import box_convert, box_iou  # noqa: E402

OUT = Path(__file__).resolve().parent / "detection"
CLASSES, SIZE = 3, 48
BOXES = [None, (6, 9, 18, 20), (20, 4, 24, 30)]  # x, y, width, height in the input's pixels


class Neck(nn.Module):
    """Features at strides 8 and 16; the deeper ones are mixed into the finer ones, which lead to the deeper head."""

    def __init__(self):
        super().__init__()
        conv = lambda a, b, s: nn.Sequential(nn.Conv2d(a, b, 3, s, 1), nn.SiLU())
        self.stem = nn.Sequential(conv(3, 6, 2), conv(6, 8, 2), conv(8, 8, 2))
        self.deep = conv(8, 10, 2)
        self.fine = conv(18, 8, 1)
        self.down = conv(8, 10, 2)
        self.last = conv(20, 10, 1)

    def forward(self, x):
        c3 = self.stem(x)
        c4 = self.deep(c3)
        p3 = self.fine(torch.cat([c3, nn.functional.interpolate(c4, scale_factor=2.0, mode="nearest")], 1))
        p4 = self.last(torch.cat([self.down(p3), c4], 1))
        return [p3, p4]


def grid(feature, stride):
    h, w = feature.shape[2:]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return (torch.stack([x, y]).float() + 0.5)[None] * stride


class Detector(nn.Module):
    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        self.neck = Neck()
        self.anchors = 2 if layout == "yolov5" else 1
        columns = {"yolov5": 5 + CLASSES, "ssd": 5 + CLASSES}.get(layout, 4 + CLASSES)
        self.heads = nn.ModuleList(nn.Conv2d(c, self.anchors * columns, 1) for c in (8, 10))

    def forward(self, x):
        return getattr(self, self.layout.split("-")[0])(self.neck(x))

    def yolov8(self, features):
        """[N,4+K,A], or turned to [N,A,4+K]."""
        raw = torch.cat([h(f).flatten(2) for h, f in zip(self.heads, features)], 2)
        box, cls = raw.split([4, CLASSES], 1)
        centre, size = self.decode(box, features)
        out = torch.cat([centre, size, cls.sigmoid()], 1)
        return out.transpose(1, 2) if self.layout.endswith("last") else out

    def yolov5(self, features):
        """[N,A,5+K]; the whole head goes through one sigmoid, which is split afterwards."""
        parts = []
        for head, feature, stride in zip(self.heads, features, (8, 16)):
            n, _, h, w = (z := head(feature)).shape
            y = z.view(n, self.anchors, 5 + CLASSES, h, w).permute(0, 1, 3, 4, 2).sigmoid()
            xy, wh, conf = y.split([2, 2, 1 + CLASSES], 4)
            cell = grid(feature, stride).permute(0, 2, 3, 1)[:, None]
            anchor = torch.tensor([[10.0, 14.0], [24.0, 18.0]]).view(1, 2, 1, 1, 2) * stride / 8
            parts.append(torch.cat([(xy * 2 - 1) * stride + cell, (wh * 2) ** 2 * anchor, conf], 4).view(n, -1, 5 + CLASSES))
        return torch.cat(parts, 1)

    def ssd(self, features):
        """Corners in units of the input's size [N,A,4], Softmax with class 0 for nothing [N,A,1+K]."""
        raw = torch.cat([h(f).flatten(2) for h, f in zip(self.heads, features)], 2).transpose(1, 2)
        box, cls = raw.split([4, 1 + CLASSES], 2)
        centre, size = self.decode(box.transpose(1, 2), features)
        corners = torch.cat([centre - size / 2, centre + size / 2], 1).transpose(1, 2) / SIZE
        return corners, cls.softmax(2)

    def detr(self, features):
        """Logits [N,A,K], and centre and size in units of the input's size [N,A,4]."""
        raw = torch.cat([h(f).flatten(2) for h, f in zip(self.heads, features)], 2)
        box, cls = raw.split([4, CLASSES], 1)
        centre, size = self.decode(box, features)
        return cls.transpose(1, 2), torch.cat([centre, size], 1).transpose(1, 2) / SIZE

    @staticmethod
    def decode(box, features):
        grids = torch.cat([grid(f, s).flatten(2) for f, s in zip(features, (8, 16))], 2)
        return grids + 6 * box[:, :2].tanh(), 14 + 9 * box[:, 2:].tanh()


def read(layout, out):
    """Corners [N,A,4] in pixels and confidences obj·cls [N,A,K]; of ssd the first class is no class."""
    if layout == "ssd":
        return out[0] * SIZE, out[1], None
    if layout == "detr":
        return box_convert(out[1] * SIZE, "cxcywh", "xyxy"), out[0].sigmoid(), None
    rows = out.transpose(1, 2) if layout == "yolov8" else out
    boxes = box_convert(rows[..., :4], "cxcywh", "xyxy")
    if layout == "yolov5":
        return boxes, rows[..., 5:] * rows[..., 4:5], rows[..., 4:5]
    return boxes, rows[..., 4:], None


def members(boxes, confidences, index, box, iou):
    if box is None:
        return torch.zeros(len(boxes), dtype=bool).index_fill(0, confidences[:, index].argmax(), True)
    x, y, w, h = box
    overlap = box_iou(boxes, torch.tensor([[x, y, x + w, y + h]]).float())[:, 0]
    return overlap >= min(iou, overlap.max())


def rounded(array):
    return [float(f"{value:.7g}") for value in np.asarray(array, "float64").ravel()]


def raw_maps(net, x, index, member):
    """HiResCAM's sum of G·A and Grad-CAM's with the mean of G, at the neck's fine layer."""
    kept = []
    hook = net.neck.fine.register_forward_hook(lambda _, __, out: kept.append(out))
    _, confidences, _ = read(net.layout, net(x))
    hook.remove()
    gradient, = torch.autograd.grad(confidences[0][:, index][member].sum(), kept[0])
    features = kept[0].detach()
    return {
        "hirescam": rounded((gradient * features).sum(1)),
        "grad-cam": rounded((gradient.mean((2, 3), keepdim=True) * features).sum(1)),
    }


def similarity(boxes, confidences, objectness, reference_box, reference_classes):
    """D-RISE: the largest IoU · cosine · objectness."""
    iou = box_iou(torch.tensor(boxes), torch.tensor([reference_box]))[:, 0].numpy()
    cosine = confidences @ reference_classes / np.linalg.norm(confidences, axis=1) / np.linalg.norm(reference_classes)
    return float((iou * cosine * objectness).max())


def main():
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(1)
    x = torch.randint(-64, 65, (2, 3, SIZE, SIZE)).float() / 64  # exact in float32
    golden = {"size": SIZE, "inputs": (x * 64).int().flatten().tolist(), "nets": {}}
    for seed, layout in enumerate(("yolov8", "yolov8-last", "yolov5", "ssd", "detr")):
        torch.manual_seed(10 + seed)
        net = Detector(layout).eval()
        with torch.no_grad():
            for parameter in net.heads.parameters():
                parameter.mul_(4)
            for parameter in net.neck.parameters():
                parameter.mul_(1.5)
        outputs = {"ssd": ["boxes", "scores"], "detr": ["pred_logits", "pred_boxes"]}.get(layout, ["output0"])
        torch.onnx.export(
            net, (x,), str(OUT / f"{layout}.onnx"), dynamo=False, opset_version=17, input_names=["images"],
            output_names=outputs, dynamic_axes={name: {0: "N"} for name in ["images", *outputs]},
        )
        boxes, confidences, objectness = (None if t is None else t.detach() for t in read(layout, net(x)))
        known = confidences[0].numpy().copy()
        if layout == "ssd":
            known[:, 0] = 0
        print(layout, "candidates", boxes.shape[1], "confidences", known.min(), known.max())
        first = 1 if layout == "ssd" else 0
        cases = []
        for box in BOXES:
            for iou in (0.5,) if box is None else (0.12, 0.9):
                for index in (first, first + 2):
                    member = members(boxes[0], confidences[0], index, box, iou)
                    best = int(torch.where(member, confidences[0][:, index], -1).argmax())
                    left, top, right, bottom = boxes[0][best].tolist()
                    cases.append({
                        "classIndex": index, "box": box, "iou": iou, "members": int(member.sum()),
                        "score": float(confidences[0][:, index][member].double().sum()),
                        "confidence": float(confidences[0][best, index]),
                        "found": rounded([left, top, right - left, bottom - top]),
                        "raw": raw_maps(net, x[:1], index, member),
                    })
        # The best candidate of the first image, looked for in the second.
        values = known.max(1)
        at = int(values.argmax())
        other = confidences[1].numpy().copy()
        if layout == "ssd":
            other[:, 0] = 0
        compared = similarity(
            boxes[1].numpy(), other, other.max(1) if objectness is None else objectness[1, :, 0].numpy(),
            boxes[0][at].tolist(), known[at],
        )
        golden["nets"][layout] = {
            "cases": cases, "bestClass": int(known[at].argmax()),
            "reference": {"corners": rounded(boxes[0][at]), "classes": rounded(known[at])}, "similarity": compared,
        }
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
