"""Graphs as the ONNX model zoo of 2018 has them, opset 7 to 9, IR version 3: weights listed among the inputs, a batch of one,
BatchNormalization beside its convolution, Dropout with a mask, sizes of pads, clips and slices as attributes.

Small: widths of a few channels, weights from a seeded generator. The scores before the final Softmax are `scores`.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from weights import uniform

CLASSES = 12


class Builder:
    """Nodes and weights of one network; every method returns the name of its result."""

    def __init__(self, opset: int, size: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, size, size])

    def node(self, op: str, *inputs: str, name: str | None = None, also: tuple[str, ...] = (), **attributes) -> str:
        output = name or f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output, *also], name=f"node{len(self.nodes)}", **attributes))
        return output

    def weight(self, *shape: int, scale: float, offset: float = 0.0) -> str:
        values = uniform(len(self.weights) + 1, int(np.prod(shape)), scale, offset).reshape(shape)
        return self.constant(values)

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, bias: bool = True, group: int = 1, **attributes) -> str:
        weight = self.weight(outputs, inputs // group, kernel, kernel, scale=(3 / (inputs // group * kernel**2)) ** 0.5)
        attributes.setdefault("pads", [kernel // 2] * 4)
        rest = [self.weight(outputs, scale=0.2)] if bias else []
        return self.node("Conv", x, weight, *rest, kernel_shape=[kernel, kernel], group=group, **attributes)

    def batch_norm(self, x: str, width: int) -> str:
        parts = [(0.3, 0.8), (0.2, 0.0), (0.2, 0.0), (0.3, 1.0)]  # scale, shift, mean, variance
        weights = [self.weight(width, scale=scale, offset=offset) for scale, offset in parts]
        attributes = {"spatial": 1} if self.opset < 9 else {}
        return self.node("BatchNormalization", x, *weights, epsilon=1e-5, momentum=0.9, **attributes)

    def gemm(self, x: str, inputs: int, outputs: int, name: str | None = None) -> str:
        weight = self.weight(outputs, inputs, scale=(3 / inputs) ** 0.5)
        return self.node("Gemm", x, weight, self.weight(outputs, scale=0.2), transB=1, name=name)

    def flat(self, x: str, width: int) -> str:
        return self.node("Reshape", x, self.constant(np.array([1, width], np.int64)))

    def dropout(self, x: str) -> str:
        return self.node("Dropout", x, also=(f"mask{len(self.nodes)}",), ratio=0.5)

    def model(self, output: str, shape: list[int]) -> onnx.ModelProto:
        listed = [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in self.weights]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self.nodes, "zoo", [self.input, *listed], outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=3)


def alexnet(opset: int, size: int) -> onnx.ModelProto:
    """LRN, overlapping pools, grouped convolutions, Dropout with a mask between fully connected layers."""
    b = Builder(opset, size)
    lrn = {"alpha": 1e-2, "beta": 0.75, "bias": 1.0, "size": 5}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    x = b.node("Relu", b.conv("data", 3, 16, 5, strides=[2, 2]))
    x = b.node("MaxPool", b.node("LRN", x, **lrn), **pool)
    x = b.node("LRN", b.node("Relu", b.conv(x, 16, 24, 3, group=2)), **lrn)
    x = b.node("Relu", b.conv(x, 24, 24, 3, group=2))
    x = b.flat(b.node("AveragePool", x, **pool), 24 * (size // 8) ** 2)
    x = b.dropout(b.node("Relu", b.gemm(x, 24 * (size // 8) ** 2, 32)))
    return b.model(b.node("Softmax", b.gemm(x, 32, CLASSES, "scores"), axis=1), [1, CLASSES])


def squeezenet(opset: int, size: int) -> onnx.ModelProto:
    """Fire modules; class maps, global pooling and a Softmax over [1,K,1,1]."""
    b = Builder(opset, size)

    def fire(x: str, inputs: int, squeeze: int, expand: int) -> str:
        x = b.node("Relu", b.conv(x, inputs, squeeze, 1))
        parts = [b.node("Relu", b.conv(x, squeeze, expand, kernel)) for kernel in (1, 3)]
        return b.node("Concat", *parts, axis=1)

    x = b.node("Relu", b.conv("data", 3, 12, 3, strides=[2, 2]))
    x = b.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x = b.dropout(fire(fire(x, 12, 6, 10), 20, 8, 12))
    x = b.node("GlobalAveragePool", b.node("Relu", b.conv(x, 24, CLASSES, 1)), name="scores")
    return b.model(b.node("Softmax", x), [1, CLASSES, 1, 1])


def resnet(opset: int, size: int) -> onnx.ModelProto:
    """Unfolded BatchNormalization, residual sums by Add and Sum, a whole-map AveragePool before the classifier."""
    b = Builder(opset, size)

    def unit(x: str, inputs: int, outputs: int, stride: int, add: str) -> str:
        y = b.batch_norm(b.conv(x, inputs, outputs, 3, bias=False, strides=[stride] * 2), outputs)
        y = b.batch_norm(b.conv(b.node("Relu", y), outputs, outputs, 3, bias=False), outputs)
        if inputs != outputs:
            x = b.batch_norm(b.conv(x, inputs, outputs, 1, bias=False, strides=[stride] * 2), outputs)
        return b.node("Relu", b.node(add, y, x))

    x = b.node("Relu", b.batch_norm(b.conv("data", 3, 12, 3, bias=False, strides=[2, 2]), 12))
    x = unit(unit(x, 12, 12, 1, "Sum"), 12, 20, 2, "Add")
    x = b.node("AveragePool", x, kernel_shape=[size // 4] * 2)
    return b.model(b.gemm(b.flat(x, 20), 20, CLASSES, "scores"), [1, CLASSES])


def pyramid(opset: int, size: int) -> onnx.ModelProto:
    """Upsample, Pad, Slice, Clip and ReduceMean with attributes; an upper path added to a lower one."""
    b = Builder(opset, size)
    scales = np.array([1, 1, 2, 2], np.float32)
    half = b.node("Clip", b.batch_norm(b.conv("data", 3, 12, 3, strides=[2, 2]), 12), min=0.0, max=6.0)
    padded = b.node("Pad", half, mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.0)
    quarter = b.node("LeakyRelu", b.conv(padded, 12, 12, 3, pads=[0] * 4, strides=[2, 2]), alpha=0.1)
    if opset < 9:
        large = b.node("Upsample", quarter, mode="nearest", scales=scales.tolist())
    else:
        large = b.node("Upsample", quarter, b.constant(scales), mode="nearest")
    x = b.node("Elu", b.conv(b.node("Add", half, large), 12, 16, 3), alpha=1.0)
    x = b.node("Mul", b.node("Slice", x, axes=[1], starts=[0], ends=[8]),
               b.node("Sigmoid", b.node("Slice", x, axes=[1], starts=[8], ends=[16])))
    return b.model(b.gemm(b.node("ReduceMean", x, axes=[2, 3], keepdims=0), 8, CLASSES, "scores"), [1, CLASSES])


NETWORKS = {"alexnet": (alexnet, (7,)), "squeezenet": (squeezenet, (8,)), "resnet": (resnet, (9,)), "pyramid": (pyramid, (7, 9))}
