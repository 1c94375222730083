"""Makes test/golden/f0: the toy models M2, M3 and MG (docs/methods.md#fixture-f0) as ONNX, and what pytorch-grad-cam
and torchcam give on them. Usage: python test/golden/make_f0.py
"""
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from cam_libraries import run_pgc, run_torchcam

OUT = Path(__file__).resolve().parent / "f0"
IMAGE = [[1, 2, 0, 1], [0, 1, 3, 0], [2, 0, 1, 1], [1, 1, 0, 2]]
KERNELS = [[[[1, 0], [0, 1]]], [[[0, 1], [0.5, -1]]]]
KERNEL_BIAS = [0, 0.5]
W = [[0.5, -0.2, 0.1, 0.4, -0.3, 0.6, 0.2, -0.1], [-0.1, 0.3, 0.2, 0.1, 0.4, 0.2, -0.2, 0.3],
     [0.2, 0.1, -0.3, 0.1, 0.1, -0.4, 0.3, 0.2]]
BIAS = [0.1, 0, -0.1]
HIDDEN, HIDDEN_BIAS, V = [W[0], W[2]], [0.1, -0.1], [[1, -1], [-0.5, 1]]
GAP = [[0.5, -0.4], [-0.2, 0.6]]


class Fixture(nn.Module):
    """Conv 2x2 stride 2, ReLU (the target layer), then the tail."""

    def __init__(self, tail: list[nn.Module]):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 2, 2)
        self.act = nn.ReLU()
        self.tail = nn.Sequential(*tail)
        _set(self.conv, KERNELS, KERNEL_BIAS)

    def forward(self, x):
        return self.tail(self.act(self.conv(x)))


def _set(layer, weight, bias=None):
    layer.weight.data = torch.tensor(weight, dtype=torch.float32)
    if bias is not None:
        layer.bias.data = torch.tensor(bias, dtype=torch.float32)
    return layer


def torch_models() -> dict[str, Fixture]:
    return {
        "m2": Fixture([nn.Flatten(), _set(nn.Linear(8, 3), W, BIAS)]),
        "m3": Fixture([nn.Flatten(), _set(nn.Linear(8, 2), HIDDEN, HIDDEN_BIAS), nn.ReLU(),
                       _set(nn.Linear(2, 2, bias=False), V)]),
        "mg": Fixture([nn.AdaptiveAvgPool2d(1), nn.Flatten(), _set(nn.Linear(2, 2, bias=False), GAP)]),
    }


def onnx_model(name: str, classes: int) -> onnx.ModelProto:
    """The same network in ONNX; the layer is tensor "A", the output "logits"."""
    constants = {"K": KERNELS, "Kb": KERNEL_BIAS}
    nodes = [helper.make_node("Conv", ["input", "K", "Kb"], ["conv"], kernel_shape=[2, 2], strides=[2, 2]),
             helper.make_node("Relu", ["conv"], ["A"])]
    if name == "m2":
        constants |= {"W": W, "b": BIAS}
        nodes += [helper.make_node("Flatten", ["A"], ["flat"]),
                  helper.make_node("Gemm", ["flat", "W", "b"], ["logits"], transB=1)]
    elif name == "m3":
        constants |= {"H": HIDDEN, "hb": HIDDEN_BIAS, "V": V}
        nodes += [helper.make_node("Flatten", ["A"], ["flat"]),
                  helper.make_node("Gemm", ["flat", "H", "hb"], ["h"], transB=1), helper.make_node("Relu", ["h"], ["r"]),
                  helper.make_node("Gemm", ["r", "V"], ["logits"], transB=1)]
    else:
        constants |= {"Wg": GAP}
        nodes += [helper.make_node("GlobalAveragePool", ["A"], ["pool"]), helper.make_node("Flatten", ["pool"], ["flat"]),
                  helper.make_node("Gemm", ["flat", "Wg"], ["logits"], transB=1)]
    for node in nodes:
        node.name = f"{node.op_type.lower()}:{node.output[0]}"
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 1, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


PGC_METHODS = ["grad-cam", "grad-cam++", "hirescam", "grad-cam-elementwise", "xgrad-cam", "layer-cam", "eigen-cam",
               "eigen-grad-cam", "kpca-cam", "fem", "seg-eigen-cam", "score-cam", "ablation-cam"]
TORCHCAM_METHODS = ["grad-cam", "grad-cam++", "smooth-grad-cam++", "xgrad-cam", "layer-cam", "score-cam", "is-cam",
                    "ss-cam"]
# Options beside the defaults: torchcam's noisy methods with their noise taken away, FEM's threshold for 2x2 maps
# (at k = 2 no value of four can pass), IS-CAM with two steps of mode torchcam.
VARIANTS = {
    ("pytorch-grad-cam", "fem"): [{"k": 2}, {"k": 0.5}],
    ("torchcam", "smooth-grad-cam++"): [{"std": 1e-12}],
    ("torchcam", "ss-cam"): [{"std": 1e-12, "num_samples": 3}],
    ("torchcam", "is-cam"): [{"num_samples": 2}, {"num_samples": 10}],
}
EIGEN_SMOOTHED = ["grad-cam", "grad-cam++", "hirescam", "xgrad-cam", "layer-cam"]
VARIANTS |= {("pytorch-grad-cam", method): [{}, {"eigen_smooth": True}] for method in EIGEN_SMOOTHED}
# The libraries' option names to ours.
PARAMS = {"std": "sigma", "num_samples": "n", "k": "k", "eigen_smooth": "eigenSmooth"}


def numbers(value):
    return [float(f"{v:.9g}") if np.isfinite(v) else None for v in np.asarray(value, np.float64).ravel()]


def tensor(value) -> dict:
    value = np.asarray(value)
    return {"dims": list(value.shape), "data": numbers(value)}


def main() -> None:
    OUT.mkdir(exist_ok=True)
    x = torch.tensor(IMAGE, dtype=torch.float32)[None, None]
    document = {"input": tensor(x), "layer": "A", "models": {}, "cases": []}
    for name, model in torch_models().items():
        model.eval()
        features = model.act(model.conv(x)).detach().requires_grad_(True)
        logits = model.tail(features)
        classes = logits.shape[1]
        onnx.save(onnx_model(name, classes), OUT / f"{name}.onnx")
        gradients = [torch.autograd.grad(logits[0, c], features, retain_graph=True)[0] for c in range(classes)]
        document["models"][name] = {"activations": tensor(features.detach()), "logits": tensor(logits.detach()),
                                    "gradients": [tensor(g) for g in gradients]}
        cases = [("pytorch-grad-cam", m) for m in PGC_METHODS] + [("torchcam", m) for m in TORCHCAM_METHODS]
        if name == "mg":
            cases.append(("torchcam", "cam"))
        for library, method in cases:
            for options in VARIANTS.get((library, method), [{}]):
                for target in range(classes):
                    if library == "torchcam":
                        result = run_torchcam(method, model, "act", x, [target], input_shape=(1, 4, 4), **options)
                    else:
                        result = run_pgc(method, model, model.act, x, [target], **options)
                    document["cases"].append({
                        "model": name, "library": library, "method": method, "target": target,
                        "params": {PARAMS[k]: v for k, v in options.items()},
                        **{key: tensor(value) for key, value in result.items()}})
    lines = ",\n".join("  " + json.dumps(case) for case in document.pop("cases"))
    head = json.dumps(document)[:-1]
    (OUT / "values.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
