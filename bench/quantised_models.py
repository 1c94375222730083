"""Quantised and half-precision versions of the bundled EfficientNet-Lite0, for bench/quantised.js.

    python bench/quantised_models.py FOLDER

Needs onnx, onnxruntime, Pillow, NumPy and scikit-image (whose sample photographs calibrate, with the bundled pictures).
Writes qdq.onnx (static, uint8 activations, int8 weights per channel, QuantizeLinear/DequantizeLinear pairs), qoperator.onnx
(the same as QLinear operators), dynamic.onnx (activations quantised at run time) and float16.onnx.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from PIL import Image
from skimage import data as samples

ASSETS = pathlib.Path(__file__).resolve().parent.parent / "assets"
MODEL = ASSETS / "efficientnet-lite0.onnx"


def pictures():
    """The bundled pictures and scikit-image's photographs, whole and mirrored."""
    images = [Image.open(path) for path in sorted((ASSETS / "pictures").iterdir())]
    images += [Image.fromarray(load()) for load in (samples.astronaut, samples.chelsea, samples.coffee, samples.rocket)]
    for image in images:
        image = image.convert("RGB")
        yield image
        yield image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


class Pictures(CalibrationDataReader):
    def __init__(self, name):
        preprocess = json.loads((ASSETS / "efficientnet-lite0.onnx.json").read_text())["preprocess"]
        mean, std = (np.array(preprocess[key], np.float32).reshape(3, 1, 1) for key in ("mean", "std"))
        size = tuple(preprocess["size"])
        self.feeds = iter(
            {name: ((np.asarray(image.resize(size, Image.BILINEAR), np.float32).transpose(2, 0, 1) / 255 - mean) / std)[None]}
            for image in pictures()
        )

    def get_next(self):
        return next(self.feeds, None)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(MODEL), str(prepared), skip_symbolic_shape=True)
    model = onnx.load(prepared)
    name = model.graph.input[0].name
    static = dict(per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        target = folder / f"{form.name.lower()}.onnx"
        quantize_static(str(prepared), str(target), Pictures(name), quant_format=form, **static)
    # ONNX Runtime's integer convolution takes unsigned weights only.
    quantize_dynamic(str(prepared), str(folder / "dynamic.onnx"), weight_type=QuantType.QUInt8)
    onnx.save(convert_float_to_float16(model), folder / "float16.onnx")
    prepared.unlink()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
