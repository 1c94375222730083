"""Puts two PaddlePaddle models with trained weights into the zoo: the text direction classifier and the text detector (a
segmentation network) of PP-OCR, which the PyPI package rapidocr-onnxruntime 1.4.4 (Apache-2.0) ships as ONNX files.

Gradients are those of the same graphs in PyTorch (test/golden/torch_graph.py). The picture is text that Pillow draws.

Usage: python bench/zoo/make_ocr.py --out FOLDER [--wheel rapidocr_onnxruntime-1.4.4-py3-none-any.whl]
"""
import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "golden"))

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

from matching import TARGETS, Captured, write  # noqa: E402
from torch_graph import run  # noqa: E402

PACKAGE = "rapidocr-onnxruntime==1.4.4"
# name: (file in the package, family, width, height)
MODELS = {
    "ppocr_direction": ("ch_ppocr_mobile_v2.0_cls_infer.onnx", "paddle", 192, 48),
    "ppocr_detection": ("ch_PP-OCRv4_det_infer.onnx", "segmentation", 224, 160),
}


def wheel(folder: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
    subprocess.run(command, check=True)
    return next(Path(folder).glob("*.whl"))


def pictures(width: int, height: int) -> np.ndarray:
    """A line of text and the same upside down: float32 [2,3,height,width], −1 to 1."""
    picture = Image.new("RGB", (width, height), (236, 232, 220))
    font = ImageFont.load_default(size=30)
    ImageDraw.Draw(picture).text((width // 2, height // 2), "onnx-cam", fill=(40, 40, 70), font=font, anchor="mm")
    both = np.stack([np.asarray(picture), np.asarray(picture.rotate(180))]).astype(np.float32)
    return np.ascontiguousarray((both / 127.5 - 1).transpose(0, 3, 1, 2)).astype(np.float32)


def captured(model: onnx.ModelProto, x: np.ndarray) -> list[Captured]:
    """The input and every tensor of the graph; the score is taken before a Softmax or Sigmoid at the end."""
    name = model.graph.input[0].name
    last = next(node for node in reversed(model.graph.node) if node.op_type in ("Softmax", "Sigmoid"))
    found = []
    for dtype in (torch.float32, torch.float64):
        image = torch.from_numpy(x).to(dtype).requires_grad_(True)
        values = run(model, {name: image}, dtype)
        tensors = {n: v for n, v in values.items() if isinstance(v, torch.Tensor) and v.requires_grad and v.dim() > 1}
        scores = values[last.input[0]]
        score = sum(scores[i, target % scores.shape[1]].sum() for i, target in enumerate(TARGETS))
        gradients = torch.autograd.grad(score, list(tensors.values()), allow_unused=True)
        found.append({n: (v.detach(), g) for (n, v), g in zip(tensors.items(), gradients) if g is not None})
    single, double = found
    return [Captured(single[n][0].numpy(), g.numpy(), float((single[n][1] - g).norm() / g.norm()))
            for n, (_, g) in double.items() if float(g.norm()) > 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--wheel", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(options.wheel or wheel(folder)) as package:
        for name, (file, family, width, height) in MODELS.items():
            model = onnx.load_from_string(package.read(f"rapidocr_onnxruntime/models/{file}"))
            opset = next(one.version for one in model.opset_import if one.domain == "")
            x = pictures(width, height)
            np.save(options.out / f"{name}.input.npy", x)
            with torch.no_grad():
                values = run(model, {model.graph.input[0].name: torch.from_numpy(x)})
            logits = values[model.graph.output[0].name].numpy()
            about = {"architecture": name, "family": family, "exporter": "paddle2onnx", "opset": opset,
                     "input": f"{name}.input.npy", "real": True,
                     "targets": [target % logits.shape[1] for target in TARGETS]}
            write(options.out, f"{name}-paddle2onnx-{opset}", model, x, logits, captured(model, x), about)


if __name__ == "__main__":
    main()
