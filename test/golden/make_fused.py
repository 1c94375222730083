"""Makes test/golden/fused: small transformers with seeded weights in the forms in which the same network reaches people: written
out (opset 18), with the operators Attention and RMSNormalization (opset 23), and both of these saved by ONNX Runtime's
optimiser at its extended level or by its tools for transformers; and the network of `quantised` saved at the highest level,
with channels last. Nothing else is kept: the form written out is what
`attention` and `graphs` compare with PyTorch.

Usage: python test/golden/make_fused.py
"""
import contextlib
import gzip
import io
import logging
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import torchvision_cpu  # noqa: E402, F401

import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402
from onnxruntime.transformers import optimizer  # noqa: E402
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from torchvision.models.swin_transformer import SwinTransformer  # noqa: E402

OUT = Path(__file__).resolve().parent / "fused"
VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5, "mlp_ratio": 2}
MODELS = {
    # name: (constructor, forms that differ from others)
    "vit": (lambda: VisionTransformer(**VIT), ("plain", "opset23", "extended", "opset23-extended", "transformers")),
    "rms": (lambda: VisionTransformer(**VIT, norm_layer=partial(torch.nn.RMSNorm, eps=1e-6)),
            ("plain", "opset23", "opset23-extended", "transformers")),
    "swin": (lambda: SwinTransformer([4, 4], 12, [2], [3], [4, 4], num_classes=5, stochastic_depth_prob=0.0),
             ("plain", "opset23-extended")),
}


def seed_weights(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        values = torch.randint(-16, 17, parameter.shape, generator=generator) / 64
        parameter.data.copy_(values + (1.0 if "norm" in name and name.endswith("weight") else 0.0))


def export(model: torch.nn.Module, opset: int) -> bytes:
    x = torch.zeros(2, 3, 32, 32)
    with contextlib.redirect_stdout(io.StringIO()):
        exported = torch.onnx.export(model, (x,), dynamo=True, verbose=False, opset_version=opset, input_names=["input"],
                                     output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("batch")},)).model_proto
    return exported.SerializeToString()


def bare(model: onnx.ModelProto) -> bytes:
    model.doc_string = model.graph.doc_string = ""
    graph = model.graph
    for message in [model, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output]:
        message.doc_string = ""
        del message.metadata_props[:]
    return model.SerializeToString()


def extended(plain: bytes, folder: Path, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED) -> bytes:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    return bare(onnx.load(folder / "optimised.onnx"))


def for_transformers(plain: bytes, folder: Path) -> bytes:
    (folder / "plain.onnx").write_bytes(plain)
    fused = optimizer.optimize_model(str(folder / "plain.onnx"), "vit", num_heads=3, hidden_size=24, opt_level=0)
    return bare(fused.model)


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    OUT.mkdir(exist_ok=True)
    for name, (make, kept) in MODELS.items():
        torch.manual_seed(0)
        model = make().eval()
        seed_weights(model)
        plain, operators = export(model, 18), export(model, 23)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            forms = {
                "plain": bare(onnx.load_from_string(plain)),
                "opset23": bare(onnx.load_from_string(operators)),
                "extended": extended(plain, folder),
                "opset23-extended": extended(operators, folder),
                "transformers": for_transformers(plain, folder),
            }
        for form in kept:
            data = forms[form]
            path = OUT / f"{name}-{form}.onnx.gz"
            path.write_bytes(gzip.compress(data, 9, mtime=0))
            counts = {}
            for node in onnx.load_from_string(data).graph.node:
                kind = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
                counts[kind] = counts.get(kind, 0) + 1
            print(path.name, path.stat().st_size, counts)


    quantised = gzip.decompress((OUT.parent / "quantised" / "qdq.onnx.gz").read_bytes())
    with tempfile.TemporaryDirectory() as temporary:
        data = extended(quantised, Path(temporary), onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
    (OUT / "quantised-all.onnx.gz").write_bytes(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    main()
