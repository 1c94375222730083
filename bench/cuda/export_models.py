"""Exports ResNet-50 (random weights: enough for speed) for bench/cuda: FOLDER/resnet50.onnx, any batch.

python bench/cuda/export_models.py FOLDER
"""
import sys
import warnings
from pathlib import Path

import torch
from torchvision.models import resnet50

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
model = resnet50(weights=None).eval()
torch.onnx.export(model, torch.zeros(2, 3, 224, 224), folder / "resnet50.onnx", dynamo=False, opset_version=17,
                  input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
