"""Exports networks of PaddlePaddle through its own exporter, beside the zoo of make_zoo.py and in its form, with Paddle's
gradients for what every layer returns.

Needs an environment of its own: paddlepaddle 3.3, paddle2onnx 2.1, packaging, setuptools, onnxruntime.

Usage: python bench/zoo/make_paddle.py --out FOLDER [name ...]
"""
import copy
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "golden"))

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import paddle  # noqa: E402
from paddle.vision import models  # noqa: E402

from command import make_each  # noqa: E402
from matching import TARGETS, Captured, write  # noqa: E402

SIZE = 160
# name: (constructor, opset)
NETWORKS = {
    "paddle_mobilenet_v2": (models.mobilenet_v2, 11),
    "paddle_mobilenet_v3_small": (models.mobilenet_v3_small, 13),
    "paddle_resnet18": (models.resnet18, 9),
    "paddle_shufflenet_v2": (models.shufflenet_v2_x0_5, 16),
}


def picture() -> np.ndarray:
    """float32 [2,3,SIZE,SIZE] of deviation 1: noise of several scales."""
    generator = np.random.default_rng(0)
    x = np.zeros((len(TARGETS), 3, SIZE, SIZE), np.float32)
    for cells in (4, 8, 20, 40, SIZE):
        noise = generator.standard_normal((len(TARGETS), 3, cells, cells)).astype(np.float32)
        x += noise.repeat(SIZE // cells, 2).repeat(SIZE // cells, 3)
    return x / x.std()


def initialise(network: paddle.nn.Layer, x: np.ndarray) -> None:
    """Weights of unit gain, scales around one, batch norms with the statistics of the picture."""
    generator = np.random.default_rng(0)
    for layer in network.sublayers():
        norm = isinstance(layer, paddle.nn.BatchNorm2D)
        for name, parameter in layer.named_parameters(include_sublayers=False):
            shape = parameter.shape
            if name == "bias":
                values = generator.uniform(-0.2, 0.2, shape)
            elif norm:
                values = generator.uniform(0.3, 0.9, shape)
            else:
                fan = shape[0] if isinstance(layer, paddle.nn.Linear) else np.prod(shape[1:])
                values = generator.standard_normal(shape) * fan ** -0.5
            parameter.set_value(values.astype("float32"))
        if norm:
            layer._momentum = 0.0
    network.train()
    for layer in network.sublayers():
        if isinstance(layer, paddle.nn.Dropout):
            layer.eval()
    with paddle.no_grad():
        network(paddle.to_tensor(np.concatenate([x, x[..., ::-1], x[..., ::-1, :]])))
    network.eval()


def captured(network: paddle.nn.Layer, x: np.ndarray) -> list[Captured]:
    """The input and what every layer returns. The score is taken before a Softmax at the end."""
    single = _gradients(network, x)
    double = _gradients(copy.deepcopy(network).to(dtype="float64"), x.astype("float64"))
    found = []
    for (value, gradient), (_, exact) in zip(single, double):
        norm = 0 if exact is None else np.linalg.norm(exact)
        if gradient is not None and norm > 0:
            found.append(Captured(value, exact, float(np.linalg.norm(gradient - exact) / norm)))
    return found


def _gradients(network: paddle.nn.Layer, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | None]]:
    image = paddle.to_tensor(x, stop_gradient=False)
    values = [image]

    def keep(layer, _inputs, output):
        if isinstance(output, paddle.Tensor) and not isinstance(layer, paddle.nn.Softmax):
            values.append(output)

    leaves = [layer for layer in network.sublayers() if not layer.sublayers()]
    handles = [layer.register_forward_post_hook(keep) for layer in leaves]
    network(image)
    for handle in handles:
        handle.remove()
    score = sum(values[-1][i, target] for i, target in enumerate(TARGETS))
    gradients = paddle.grad(score, values, allow_unused=True)
    return [(value.numpy(), None if gradient is None else gradient.numpy()) for value, gradient in zip(values, gradients)]


def export(network: paddle.nn.Layer, size: int, opset: int) -> onnx.ModelProto:
    spec = paddle.static.InputSpec([None, 3, size, size], "float32", "x")
    with tempfile.TemporaryDirectory() as folder:
        paddle.onnx.export(network, f"{folder}/network", input_spec=[spec], opset_version=opset)
        return onnx.load(f"{folder}/network.onnx")


def make(out: Path, name: str) -> None:
    constructor, opset = NETWORKS[name]
    if list(out.glob(f"{name}-*.json")):
        return
    network = constructor(pretrained=False)
    x = picture()
    initialise(network, x)
    proto = export(network, SIZE, opset)
    np.save(out / f"{name}.input.npy", x)
    about = {"architecture": name, "family": "paddle", "exporter": "paddle2onnx", "opset": opset,
             "input": f"{name}.input.npy", "real": False}
    write(out, f"{name}-paddle2onnx-{opset}", proto, x, network(paddle.to_tensor(x)).numpy(), captured(network, x), about)


if __name__ == "__main__":
    make_each(__doc__, NETWORKS, make)
