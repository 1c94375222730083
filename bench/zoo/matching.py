"""Tensors of an ONNX graph and of the framework it came from, matched by value; needs NumPy, ONNX and ONNX Runtime only."""
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from weights import positions

SAMPLES = 100
TARGETS = [3, 11]
"""The class (or embedding component) differentiated, per picture."""


@dataclass
class Captured:
    """One tensor: its float32 value, the float64 gradient, and the relative l2 error of the framework's float32 gradient."""

    value: np.ndarray
    gradient: np.ndarray
    gap: float

    def transposed(self, *axes: int) -> "Captured":
        return Captured(self.value.transpose(axes), self.gradient.transpose(axes), self.gap)


def all_tensors(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    """Input and every floating-point tensor that the nodes make, in their order."""
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    del exposed.graph.output[:]
    made = [name for node in model.graph.node for name in node.output if name and node.op_type != "Constant"]
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in made)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    weights = {tensor.name for tensor in model.graph.initializer}
    name = next(value.name for value in model.graph.input if value.name not in weights)
    values = dict(zip(made, session.run(made, {name: x})))
    kept = {n: v for n, v in values.items() if isinstance(v, np.ndarray) and v.dtype == np.float32 and v.ndim > 1}
    return {name: x} | kept


def match(values: dict[str, np.ndarray], found: list[Captured]) -> dict[str, Captured]:
    """
    Tensors of an ONNX graph, in its order, and what the framework captured, by equal shape and value. Of several equal
    ones the first of either side is taken: the others are made from it, and only its gradient counts all paths.
    """
    theirs = _first_of_equal([(one, _fingerprint(one.value)) for one in found])
    ours = _first_of_equal([(name, _fingerprint(value)) for name, value in values.items()])
    matched = {}
    for name, key in ours:
        one = next((one for one, other in theirs if _same(key, other)), None)
        if one is not None:
            matched[name] = one
    return matched


Fingerprint = tuple[tuple[int, ...], np.ndarray]


def _fingerprint(value: np.ndarray) -> Fingerprint:
    """Shape, norm, and dot products with random directions: equal for equal tensors, up to their error."""
    flat = np.ascontiguousarray(value).reshape(-1)
    products = [float(flat @ direction[: flat.size]) for direction in _directions()]
    return value.shape, np.array([np.linalg.norm(flat), *products])


@functools.cache
def _directions() -> list[np.ndarray]:
    return [np.random.default_rng(seed).standard_normal(2**23, np.float32) for seed in range(4)]


def _same(a: Fingerprint, b: Fingerprint) -> bool:
    return a[0] == b[0] and bool((np.abs(a[1] - b[1]) <= 3e-4 * a[1][0]).all())


def _first_of_equal(entries: list) -> list:
    kept: list = []
    for item, key in entries:
        if key[1][0] > 0 and not any(_same(key, other) for _, other in kept):
            kept.append((item, key))
    return kept


def _record(found: Captured) -> dict:
    flat = np.ascontiguousarray(found.gradient).reshape(-1)
    return {"dims": list(found.gradient.shape), "l2": float(np.linalg.norm(flat)), "max": float(np.abs(flat).max()),
            "gap": found.gap, "values": [float(f"{v:.7g}") for v in flat[positions(flat.size, SAMPLES)]]}


def write(out: Path, label: str, model: onnx.ModelProto, x: np.ndarray, logits: np.ndarray, found: list[Captured],
          about: dict) -> None:
    """
    The model and its golden values; nothing is left behind when ONNX Runtime departs from the framework.
    `about`: architecture, family, exporter, opset, input (file), real; targets where they are others than TARGETS.
    """
    values = all_tensors(model, x)
    output = model.graph.output[0].name
    departure = float(np.abs(values[output] - logits).max() / np.abs(logits).max())
    assert departure < 1e-3, f"ONNX Runtime departs from the framework by {departure}"
    matched = match(values, found)
    gradients = {tensor: _record(one) for tensor, one in matched.items()}
    document = {"targets": TARGETS, "output": output, "nodes": len(model.graph.node)} | about | {"gradients": gradients}
    onnx.save(model, out / f"{label}.onnx")
    (out / f"{label}.json").write_text(json.dumps(document) + "\n")
    print(f"{label}: {len(model.graph.node)} nodes, {len(matched)} tensors matched, logits {departure:.1e}", flush=True)
