"""Models that scripts/try-exports tries: one or more of each family of network, form of input and kind of answer.

    python scripts/exports/make_models.py FOLDER [NAME ...]

Weights are seeded, BatchNorm statistics those of a picture (bench/zoo/reference.py); EfficientNet-Lite0 has its trained ones.
What is in the folder already is left alone. Needs the environment of bench/peers/requirements.txt, timm and onnxruntime.
"""
import contextlib
import io
import logging
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "peers"), str(ROOT / "bench" / "zoo"), str(ROOT / "scripts"), str(ROOT / "test" / "golden")]
import torchvision_cpu  # noqa: E402, F401

import onnx  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static  # noqa: E402
from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: E402
from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: E402
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from torch import nn  # noqa: E402
from torchvision import models as tv  # noqa: E402

from architectures import FirstOutput, Normalized, clip_vit  # noqa: E402
from reference import initialise, picture, without_in_place  # noqa: E402

BUNDLED = ROOT / "assets" / "efficientnet-lite0.onnx"
VIT = {"img_size": 96, "patch_size": 16, "embed_dim": 96, "depth": 4, "num_heads": 3, "num_classes": 100}


@dataclass
class Made:
    """A network, and how it is written."""

    build: Callable[[], nn.Module]
    size: int = 96
    opset: int = 17
    dynamo: bool = False
    batch: int | None = None
    """A fixed number of pictures; None: open."""
    open_size: bool = False


class Regression(nn.Module):
    """One number for each picture."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tv.resnet18(weights=None, num_classes=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x).squeeze(1)


class Flattened(nn.Module):
    """Layers that keep positions, and one behind all positions, as in VGG and AlexNet, whose own take half a gigabyte."""

    def __init__(self, name: str, inputs: int) -> None:
        super().__init__()
        self.features = getattr(tv, name)(weights=None).features
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 100))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


class WholePictures(nn.Module):
    """A classifier that takes pictures of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.features = tv.mobilenet_v3_small(weights=None).features
        self.head = nn.Conv2d(576, 100, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x)).mean((2, 3))


def vision(name: str, **options: object) -> Callable[[], nn.Module]:
    return lambda: getattr(tv, name)(weights=None, num_classes=100, **options)


def image_model(name: str, **options: object) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, pretrained=False, exportable=True, **({"num_classes": 100} | options))


def transformer(**options: object) -> Callable[[], nn.Module]:
    return lambda: VisionTransformer(**VIT | options)


def segmenter() -> nn.Module:
    return FirstOutput(tv.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=21))


MODELS = {
    "resnet18-9": Made(vision("resnet18"), opset=9),
    "resnet18-11": Made(vision("resnet18"), opset=11),
    "resnet18-20-dynamo": Made(vision("resnet18"), opset=20, dynamo=True),
    "resnet18-one": Made(vision("resnet18"), opset=13, batch=1),
    "resnet18-four": Made(vision("resnet18"), opset=13, batch=4),
    "resnet50-17": Made(vision("resnet50")),
    "mobilenet_v3-13": Made(vision("mobilenet_v3_small"), opset=13),
    "densenet121-17": Made(vision("densenet121")),
    "alexnet-17": Made(lambda: Flattened("alexnet", 1024)),
    "vgg11_bn-17": Made(lambda: Flattened("vgg11_bn", 4608)),
    "regnet_y_400mf-17": Made(vision("regnet_y_400mf")),
    "efficientnet_b0-18-dynamo": Made(vision("efficientnet_b0"), opset=18, dynamo=True),
    "convnext_atto-17": Made(image_model("convnext_atto")),
    "swin_tiny-17": Made(image_model("swin_tiny_patch4_window7_224", img_size=112, window_size=7, embed_dim=48, depths=(1, 1, 2, 1)), size=112),
    "swin_t-18-dynamo": Made(vision("swin_t"), size=112, opset=18, dynamo=True),
    "vit-class-token-14": Made(transformer(), opset=14),
    "vit-class-token-20-dynamo": Made(transformer(), opset=20, dynamo=True),
    "vit-mean-17": Made(transformer(global_pool="avg", class_token=False)),
    "vit-registers-17": Made(transformer(reg_tokens=4, init_values=0.1, no_embed_class=True)),
    "vit-one": Made(transformer(), batch=1),
    "dinov2-17": Made(transformer(reg_tokens=4, init_values=0.1, no_embed_class=True, num_classes=0)),
    "mixer-17": Made(image_model("mixer_s32_224", img_size=96)),
    "poolformer-17": Made(image_model("poolformer_s12")),
    "clip-17": Made(lambda: clip_vit(**{k: v for k, v in VIT.items() if k != "num_classes"})),
    "embedding-17": Made(lambda: Normalized(tv.resnet18(weights=None, num_classes=64))),
    "regression-17": Made(Regression),
    "any-size-17": Made(WholePictures, open_size=True),
    "segmentation-17": Made(segmenter),
}


def export(name: str, made: Made, out: Path) -> None:
    torch.manual_seed(0)
    model = made.build().eval()
    without_in_place(model)
    x = picture(made.size)
    initialise(model, x)
    x = x if made.batch is None else x.repeat((made.batch + 1) // 2, 1, 1, 1)[: made.batch]
    names = {"input_names": ["input"], "output_names": ["logits"], "opset_version": made.opset}
    with contextlib.redirect_stdout(io.StringIO()):
        if made.dynamo:
            shapes = ({0: torch.export.Dim("batch")},)
            torch.onnx.export(model, (x,), dynamo=True, verbose=False, **names, dynamic_shapes=shapes).save(out)
            return
        axes = {} if made.batch else {"input": {0: "batch"}, "logits": {0: "batch"}}
        if made.open_size:
            axes["input"] |= {2: "height", 3: "width"}
        torch.onnx.export(model, (x,), str(out), dynamo=False, **names, dynamic_axes=axes)


class Pictures(CalibrationDataReader):
    """What quantisation is calibrated with."""

    def __init__(self, size: int) -> None:
        self.feeds = iter({"input": picture(size, seed).numpy()} for seed in range(4))

    def get_next(self):
        return next(self.feeds, None)


def quantise(source: Path, size: int, out: Path) -> None:
    """QuantizeLinear/DequantizeLinear pairs, uint8 activations, int8 weights of each channel."""
    prepared = out.with_suffix(".prepared")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(str(prepared), str(out), Pictures(size), quant_format=QuantFormat.QDQ, per_channel=True)
    prepared.unlink()


DERIVED = {
    "efficientnet-lite0": lambda out, _: shutil.copy(BUNDLED, out),
    "efficientnet-lite0-qdq": lambda out, _: quantise(BUNDLED, 224, out),
    "resnet18-qdq": lambda out, folder: quantise(folder / "resnet18-13.onnx", 96, out),
    "resnet18-half": lambda out, folder: onnx.save(
        convert_float_to_float16(onnx.load(folder / "resnet18-13.onnx"), keep_io_types=True), out),
    "efficientnet-lite0-half": lambda out, _: onnx.save(
        convert_float_to_float16(onnx.load(BUNDLED), keep_io_types=True), out),
}
MODELS["resnet18-13"] = Made(vision("resnet18"), opset=13)


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or [*MODELS, *DERIVED]:
        out = folder / f"{name}.onnx"
        if out.exists():
            continue
        try:
            export(name, MODELS[name], out) if name in MODELS else DERIVED[name](out, folder)
            print(name, out.stat().st_size, flush=True)
        except Exception as error:  # One that fails does not keep the others from being made.
            print(f"{name}: {type(error).__name__}: {str(error).strip().splitlines()[0][:300]}", flush=True)
            out.unlink(missing_ok=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    main(Path(sys.argv[1]), sys.argv[2:])
