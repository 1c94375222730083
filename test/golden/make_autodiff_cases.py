"""Reference gradients of single operators and small graphs: test/golden/autodiff/*.json.

For every case (random attributes, tiny tensors) the gradient of sum(output * seed) is computed in float64 twice:
- expected: PyTorch autograd where the case names a PyTorch function, else central differences of the onnx package's
  reference evaluator;
- actual: the nodes that lib/autodiff emits (through emit-autodiff-cases.js on the built library), evaluated in float64
  by the reference evaluator.
The relative error (largest difference over largest gradient) must be below 1e-7; it is stored with the case. The tests
run the same emitted graphs in float32 on ONNX Runtime and compare with the stored expected values.

    npm run build && python test/golden/make_autodiff_cases.py [family ...] [--check]

Needs torch, onnx and numpy. --check evaluates without writing. See autodiff_families.py for the cases.
"""

import base64
import json
import math
import os
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import autodiff_families  # noqa: E402
from autodiff_case import evaluator, to_float64  # noqa: E402

LIMIT = 1e-7


def central_differences_of(function, base):
    """Gradient of the sum of an array function. Two step sizes, extrapolated: error of fourth order."""
    gradient = np.zeros(base.size)
    for index in range(base.size):
        def at(step):
            moved = np.array(base)
            moved.flat[index] += step
            return float(np.sum(function(moved)))
        step = 1e-3 * max(1.0, abs(base.flat[index]))
        wide = (at(step) - at(-step)) / (2 * step)
        narrow = (at(step / 2) - at(-step / 2)) / step
        gradient[index] = (4 * narrow - wide) / 3
    return gradient.reshape(base.shape)


def central_differences(case, name, seed):
    return central_differences_of(lambda moved: case.run({**case.inputs, name: moved}) * seed, case.inputs[name])


def relative_error(what, actual, expected):
    """Largest difference over largest expected magnitude."""
    if actual.dtype != np.float64 or actual.shape != expected.shape:
        raise AssertionError(f"{what} is {actual.dtype}{list(actual.shape)}, expected float64{list(expected.shape)}")
    return float(np.abs(actual - expected).max() / (np.abs(expected).max() or 1.0))


def torch_gradients(case, seed):
    import torch
    tensors = {name: torch.tensor(array, dtype=torch.float64, requires_grad=name in case.wrt) for name, array in case.inputs.items()}
    output = case.torch(torch, **tensors)
    output.backward(torch.tensor(seed).reshape(output.shape))
    return {name: tensors[name].grad.numpy() for name in case.wrt}


def stored_attribute(value):
    if isinstance(value, float):
        return {"float": value}
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], float):
        return {"floats": list(value)}
    return value


def facts_of(case):
    """Types, shapes and integer values of every tensor."""
    model = case.model(every_output=True)
    outputs = evaluator(model).run(None, case.inputs)
    names = [output.name for output in model.graph.output]
    facts = {}
    for name, array in [*case.inputs.items(), *case.constants.items(), *zip(names, outputs)]:
        array = np.asarray(to_float64(array))
        kind = {"f": "float64", "b": "bool"}.get(array.dtype.kind, str(array.dtype))
        facts[name] = {"type": kind, "dims": list(array.shape)}
        if array.dtype.kind != "f":
            facts[name]["values"] = [int(value) for value in array.flat]
    return facts


class Emitter:
    """The library's differentiate, one request at a time."""

    def __init__(self):
        script = os.path.join(HERE, "emit-autodiff-cases.js")
        self.process = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def stored_tensor(array):
    array = np.asarray(array)
    tensor = {"dims": list(array.shape)}
    if array.dtype.kind == "f":
        tensor["data"] = [float(f"{value:.9g}") for value in array.flat]
    else:
        tensor["type"] = str(array.dtype)
        tensor["data"] = [int(value) for value in array.flat]
    return tensor


def check(case, emitter, rng):
    # Values that float32 holds exactly, so that tests start from the very same numbers.
    case.inputs = {name: np.asarray(array, np.float32).astype(np.float64) for name, array in case.inputs.items()}
    case.constants = {name: np.asarray(array, np.float32) if np.asarray(array).dtype.kind == "f" else np.asarray(array)
                      for name, array in case.constants.items()}
    output = case.run(case.inputs)
    seed = np.asarray(rng.standard_normal(output.shape), np.float32).astype(np.float64)
    if case.torch:
        expected = torch_gradients(case, seed)
    else:
        expected = {name: central_differences(case, name, seed) for name in case.wrt}
    facts = facts_of(case)
    facts["seed"] = {"type": "float64", "dims": list(np.shape(seed))}
    model = case.model()
    model.graph.input.append(helper.make_tensor_value_info("seed", TensorProto.DOUBLE, np.shape(seed)))
    direction = None
    if case.second:
        shape = case.inputs[case.wrt[0]].shape
        direction = np.float32(rng.standard_normal(shape)).astype(np.float64)
        facts["direction"] = {"type": "float64", "dims": list(shape)}
        model.graph.input.append(helper.make_tensor_value_info("direction", TensorProto.DOUBLE, shape))
    answer = emitter.ask({
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "facts": facts,
        "seeds": {case.score: {"gradient": "seed"}},
        "wrt": case.wrt,
        "second": "direction" if case.second else None,
    })
    emitted = evaluator(onnx.load_from_string(base64.b64decode(answer["model"])))
    feeds = {**case.inputs, "seed": seed}
    if case.second:
        feeds["direction"] = direction
    values = emitted.run(list(answer["gradients"].values()), feeds)
    error = max(relative_error(f"{case.name}: gradient of {name}", actual, expected[name])
                for name, actual in zip(answer["gradients"], values))
    if case.second:
        expected["second"] = central_differences_of(
            lambda moved: emitted.run([answer["gradients"][case.wrt[0]]], {**feeds, case.wrt[0]: moved})[0] * direction,
            case.inputs[case.wrt[0]])
        actual, = emitted.run([answer["product"]], feeds)
        error = max(error, relative_error(f"{case.name}: second derivative", actual, expected["second"]))
    stored = {
        "name": case.name,
        "opset": case.opset,
        "nodes": [[op, ins, outs, {key: stored_attribute(value) for key, value in attrs.items()}] for op, ins, outs, attrs in case.nodes],
        "inputs": {name: stored_tensor(array) for name, array in case.inputs.items()},
        "constants": {name: stored_tensor(array) for name, array in case.constants.items()},
        "score": case.score,
        "seed": stored_tensor(np.asarray(seed)),
        "reference": "PyTorch" if case.torch else "central differences",
        "gradients": {name: stored_tensor(expected[name]) for name in case.wrt},
    }
    if case.second:
        stored["second"] = {"direction": stored_tensor(direction), "product": stored_tensor(expected["second"])}
    if case.forward:
        stored["output"] = stored_tensor(output)
    if case.tolerance:
        stored["tolerance"] = case.tolerance
    return error, stored


def main():
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    write = "--check" not in sys.argv
    emitter = Emitter()
    failed = 0
    for family, make in autodiff_families.FAMILIES.items():
        if wanted and family not in wanted:
            continue
        rng = np.random.default_rng(20260101)
        stored, worst = [], 0.0
        for case in make(rng):
            try:
                error, entry = check(case, emitter, rng)
            except Exception as problem:
                failed += 1
                text = str(problem).strip().splitlines()
                print(f"{family}: {case.name}: {type(problem).__name__} {' | '.join(text[:3])[:600]}")
                continue
            worst = max(worst, error)
            if not error <= LIMIT or math.isnan(error):
                failed += 1
                print(f"{family}: {case.name}: relative error {error:.1e}")
            stored.append(entry)
        print(f"{family}: {len(stored)} cases, largest relative float64 error {worst:.1e}")
        if write:
            os.makedirs(os.path.join(HERE, "autodiff"), exist_ok=True)
            with open(os.path.join(HERE, "autodiff", f"{family}.json"), "w") as file:
                file.write("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in stored) + "\n]\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
