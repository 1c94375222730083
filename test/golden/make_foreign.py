"""Makes test/golden/foreign: small graphs that PyTorch did not export, with the gradients of the framework that made them.

part `keras`   Keras through tf2onnx: NHWC input, Transposes, depthwise convolutions, ReLU6, squeeze and excitation, Softmax
part `paddle`  PaddlePaddle's exporter: unfolded BatchNormalization, HardSwish and HardSigmoid, Softmax
part `zoo`     graphs as the ONNX model zoo has them, opset 7 to 9 (old_graphs.py); gradients by torch_graph.py

The first two need environments of their own (bench/zoo/README.md). Gradients are of the sum over two pictures of one score
each before the final Softmax, with respect to the input and to every tensor that a layer returns.

Usage: python test/golden/make_foreign.py keras|paddle|zoo
"""
import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "zoo")]
from matching import TARGETS, Captured, write  # noqa: E402
from weights import uniform  # noqa: E402

OUT = Path(__file__).resolve().parent / "foreign"
SIZE = 32
NAMES = {"keras": "keras-tf2onnx-13", "paddle": "paddle-11"}


def picture(*shape: int) -> np.ndarray:
    return uniform(7, int(np.prod(shape)), 1.5).reshape(shape)


def keep(label: str, model: onnx.ModelProto, x: np.ndarray, logits: np.ndarray, found: list[Captured], exporter: str) -> None:
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.metadata_props[:]
    opset = next(one.version for one in model.opset_import if one.domain == "")
    about = {"exporter": exporter, "opset": opset, "input": {"dims": list(x.shape), "seed": 7, "scale": 1.5}}
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), label, model, x, logits, found, about)
        golden = json.loads((Path(folder) / f"{label}.json").read_text())
    golden["scores"] = [[float(f"{v:.7g}") for v in row] for row in logits.reshape(len(x), -1)]
    (OUT / f"{label}.json").write_text(json.dumps(golden) + "\n")
    (OUT / f"{label}.onnx.gz").write_bytes(gzip.compress(model.SerializeToString(deterministic=True), 9, mtime=0))


def keras_part() -> None:
    import keras
    import tensorflow as tf
    import tf2onnx
    from keras import layers

    from make_keras import captured, initialise

    def block(x, width: int, stride: int):
        y = layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(y.shape[-1], 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="silu")(gate))
        y = layers.BatchNormalization()(layers.Conv2D(width, 1, use_bias=False)(layers.Multiply()([y, gate])))
        return layers.Add()([x, y]) if stride == 1 else y

    image = layers.Input((SIZE, SIZE, 3), name="image")
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(image)
    x = layers.Activation("elu")(layers.Conv2D(12, 3, 2, "valid")(x))
    x = block(block(x, 12, 1), 16, 2)
    x = layers.AveragePooling2D(2, 1, "same")(layers.Concatenate()([x, layers.Activation("tanh")(x)]))
    x = layers.GlobalAveragePooling2D()(layers.Activation("swish")(layers.Conv2D(20, 3, padding="same")(x)))
    outputs = layers.Softmax()(layers.Dense(12)(x))
    model = keras.Model(image, outputs)
    picture_ = picture(len(TARGETS), SIZE, SIZE, 3)
    initialise(model, picture_)
    signature = [tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="image")]
    function = tf.function(lambda image: {"scores": model(image, training=False)}, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=13)
    found = captured(model, picture_)
    keep(NAMES["keras"], proto, picture_, model(picture_, training=False).numpy(), found, "tf2onnx")


def paddle_part() -> None:
    import paddle
    from paddle import nn

    from make_paddle import captured, export, initialise

    class Gated(nn.Layer):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.expand = nn.Sequential(nn.Conv2D(width, 24, 1, bias_attr=False), nn.BatchNorm2D(24), nn.Hardswish())
            self.depthwise = nn.Sequential(nn.Conv2D(24, 24, 3, padding=1, groups=24, bias_attr=False), nn.BatchNorm2D(24))
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Conv2D(24, 6, 1), nn.ReLU(), nn.Conv2D(6, 24, 1),
                                      nn.Hardsigmoid())
            self.project = nn.Sequential(nn.Conv2D(24, width, 1, bias_attr=False), nn.BatchNorm2D(width))

        def forward(self, x):
            y = self.depthwise(self.expand(x))
            return x + self.project(y * self.gate(y))

    network = nn.Sequential(nn.Conv2D(3, 12, 3, 2, 1, bias_attr=False), nn.BatchNorm2D(12), nn.Swish(), Gated(12),
                            nn.Conv2D(12, 20, 3, 2, 1), nn.GELU(), nn.AvgPool2D(2, 1), Gated(20), nn.Hardswish(),
                            nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(20, 12), nn.Softmax())
    x = picture(len(TARGETS), 3, SIZE, SIZE)
    initialise(network, x)
    proto = export(network, SIZE, 11)
    scores = network(paddle.to_tensor(x)).numpy()
    keep(NAMES["paddle"], proto, x, scores, captured(network, x), "paddle2onnx")


def zoo_part() -> None:
    import torch

    from old_graphs import NETWORKS
    from torch_graph import run

    for name, build, opset in [(name, build, opset) for name, (build, opsets) in NETWORKS.items() for opset in opsets]:
        model = build(opset, SIZE)
        x = picture(1, 3, SIZE, SIZE)
        onnx.checker.check_model(model)
        gradients = []
        for dtype in (torch.float32, torch.float64):
            image = torch.from_numpy(x).to(dtype).requires_grad_(True)
            values = run(model, {"data": image}, dtype)
            kept = {n: v for n, v in values.items() if isinstance(v, torch.Tensor) and v.requires_grad and v.dim() > 1}
            score = values["scores"].reshape(-1)[TARGETS[0]]
            found = torch.autograd.grad(score, list(kept.values()), allow_unused=True)
            gradients.append({n: (v.detach(), g) for (n, v), g in zip(kept.items(), found) if g is not None})
        single, double = gradients
        found = [Captured(single[n][0].numpy(), g.numpy(), float((single[n][1] - g).norm() / g.norm().clamp(1e-30)))
                 for n, (_, g) in double.items()]
        output = model.graph.output[0].name
        keep(f"zoo-{name}-{opset}", model, x, values[output].detach().float().numpy(), found, "by hand")


if __name__ == "__main__":
    {"keras": keras_part, "paddle": paddle_part, "zoo": zoo_part}[sys.argv[1]]()
