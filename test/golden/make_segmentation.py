"""Makes test/golden/segmentation: a small seeded segmentation network as ONNX and what pytorch-grad-cam gives for it.

SemanticSegmentationTarget sums a class's logits over a mask; the masks are where the class is predicted, and a box.
Usage: python test/golden/make_segmentation.py
"""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401

import numpy as np  # noqa: E402
import torch  # noqa: E402
from pytorch_grad_cam import GradCAM, HiResCAM, LayerCAM, ScoreCAM  # noqa: E402
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget  # noqa: E402
from torch import nn  # noqa: E402

OUT = Path(__file__).resolve().parent / "segmentation"
METHODS = {"grad-cam": GradCAM, "hirescam": HiResCAM, "layer-cam": LayerCAM, "score-cam": ScoreCAM}
CLASSES = 4
BOX = (3, 5, 8, 6)  # x, y, width, height in the output's pixels


class Net(nn.Module):
    """Encoder of stride 4, logits upsampled to the input's size as segmentation networks do."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.ReLU()
        )
        self.decoder = nn.Sequential(nn.Conv2d(12, 12, 3, 1, 1), nn.Tanh(), nn.Conv2d(12, CLASSES, 1))

    def forward(self, x):
        z = self.decoder(self.encoder(x))
        return nn.functional.interpolate(z, scale_factor=4.0, mode="bilinear", align_corners=False)


def rounded(array):
    return [float(f"{value:.7g}") for value in np.asarray(array, "float64").ravel()]


def main():
    torch.manual_seed(3)
    net = Net().eval()
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter.mul_(2)
    x = torch.randint(-64, 65, (1, 3, 20, 24)).float() / 64  # exact in float32
    OUT.mkdir(exist_ok=True)
    torch.onnx.export(
        net, (x,), str(OUT / "net.onnx"), dynamo=False, opset_version=17, input_names=["x"], output_names=["z"],
        dynamic_axes={"x": {0: "N"}, "z": {0: "N"}},
    )
    with torch.no_grad():
        z = net(x)[0].numpy()
    labels = z.argmax(0)
    ordered = np.sort(z, axis=0)
    print("pixels per class", np.bincount(labels.ravel(), minlength=CLASSES), "least margin", (ordered[-1] - ordered[-2]).min())
    height, width = labels.shape
    box = np.zeros((height, width), "float32")
    box[BOX[1] : BOX[1] + BOX[3], BOX[0] : BOX[0] + BOX[2]] = 1
    cases = []
    for index in range(CLASSES):
        for region, mask in (("predicted", (labels == index).astype("float32")), ("box", box)):
            if not mask.any():
                continue
            target = SemanticSegmentationTarget(index, mask)
            for method, make in METHODS.items():
                cam = make(model=net, target_layers=[net.encoder])
                cases.append({
                    "classIndex": index, "region": region, "method": method,
                    "score": float((z[index].astype("float64") * mask).sum()),
                    "map": rounded(cam(input_tensor=x, targets=[target])[0]),
                })
    golden = {"dims": list(x.shape), "input": rounded(x * 64), "box": list(BOX), "cases": cases}
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")


main()
