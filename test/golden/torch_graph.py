"""Evaluates an ONNX graph in PyTorch, differentiably and in any floating-point type.

A reference for gradients that shares nothing with the library under test: PyTorch's autograd does the differentiating,
ONNX Runtime checks the forward values (make_graphs.py). It knows the operators that torchvision's classifiers export
to and refuses the rest.
"""
import numpy as np
import torch
import torch.nn.functional as F
from onnx import AttributeProto, ModelProto, NodeProto, numpy_helper


def attributes(node: NodeProto) -> dict:
    def value(a: AttributeProto):
        return {AttributeProto.INT: lambda: a.i, AttributeProto.FLOAT: lambda: a.f, AttributeProto.INTS: lambda: list(a.ints),
                AttributeProto.FLOATS: lambda: list(a.floats), AttributeProto.STRING: lambda: a.s.decode(),
                AttributeProto.TENSOR: lambda: a.t}[a.type]()
    return {a.name: value(a) for a in node.attribute}


def _symmetric(pads: list[int]) -> list[int]:
    half = len(pads) // 2
    assert pads[:half] == pads[half:], f"uneven padding {pads} of a pool"
    return pads[:half]


def _torch_pads(pads: list[int]) -> list[int]:
    """[begin of every axis, end of every axis] to PyTorch's last axis first pairs."""
    half = len(pads) // 2
    return [p for axis in reversed(range(half)) for p in (pads[axis], pads[half + axis])]


def _conv(a, x, w, b=None):
    assert a.get("auto_pad", "NOTSET") in ("NOTSET", "VALID")
    rank = x.dim() - 2
    x = F.pad(x, _torch_pads(a.get("pads", [0] * 2 * rank)))
    return F.conv2d(x, w, b, a.get("strides", [1] * rank), 0, a.get("dilations", [1] * rank), a.get("group", 1))


def _conv_transpose(a, x, w, b=None):
    pads = _symmetric(a.get("pads", [0] * 4))
    return F.conv_transpose2d(x, w, b, a.get("strides", [1, 1]), pads, a.get("output_padding", [0, 0]), a.get("group", 1),
                              a.get("dilations", [1, 1]))


def _max_pool(a, x):
    return F.max_pool2d(x, a["kernel_shape"], a.get("strides", [1, 1]), _symmetric(a.get("pads", [0] * 4)),
                        a.get("dilations", [1, 1]), bool(a.get("ceil_mode", 0)))


def _average_pool(a, x):
    return F.avg_pool2d(x, a["kernel_shape"], a.get("strides", [1, 1]), _symmetric(a.get("pads", [0] * 4)),
                        bool(a.get("ceil_mode", 0)), bool(a.get("count_include_pad", 0)))


def _gemm(a, x, w, c=None):
    x = x.T if a.get("transA", 0) else x
    w = w.T if a.get("transB", 0) else w
    y = a.get("alpha", 1.0) * (x @ w)
    return y if c is None else y + a.get("beta", 1.0) * c


def _reshape(a, x, shape):
    sizes = [x.shape[i] if s == 0 and not a.get("allowzero", 0) else s for i, s in enumerate(shape.tolist())]
    return x.reshape(sizes)


def _reduce_mean(a, x, axes=None):
    axes = a["axes"] if axes is None else axes.tolist()
    return x.mean(axes, keepdim=bool(a.get("keepdims", 1)))


def _slice(a, x, starts=None, ends=None, axes=None, steps=None):
    index = [slice(None)] * x.dim()
    if starts is None:
        starts, ends, axes = (torch.tensor(a[name]) for name in ("starts", "ends", "axes"))
    axes = list(range(len(starts))) if axes is None else axes.tolist()
    steps = [1] * len(axes) if steps is None else steps.tolist()
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes, steps):
        if step < 0:
            length = x.shape[axis]
            x = x.flip(axis)
            start, end = (length - 1 - (s + length if -length <= s < 0 else s) for s in (start, max(end, -length - 1)))
            step = -step
        index[axis] = slice(max(start, 0) if start >= 0 else start, end, step)
    return x[tuple(index)]


def _gather(a, x, index):
    axis = a.get("axis", 0) % x.dim()
    y = x.index_select(axis, index.reshape(-1) % x.shape[axis])
    return y.reshape(x.shape[:axis] + index.shape + x.shape[axis + 1:])


def _unsqueeze(a, x, axes=None):
    axes = a["axes"] if axes is None else axes.tolist()
    rank = x.dim() + len(axes)
    for axis in sorted(v % rank for v in axes):
        x = x.unsqueeze(axis)
    return x


def _split(a, x, sizes=None):
    axis = a.get("axis", 0)
    if sizes is not None or "split" in a:
        return list(torch.split(x, a["split"] if sizes is None else sizes.tolist(), axis))
    return list(torch.chunk(x, a["num_outputs"], axis))


def _pad(a, x, pads=None, value=None):
    assert a.get("mode", "constant") == "constant"
    pads = a["pads"] if pads is None else pads.tolist()
    return F.pad(x, _torch_pads(pads), value=a.get("value", 0.0) if value is None else float(value))


def _softmax(a, x):
    """Before opset 13 over all axes from `axis` on; the graphs here have one of more than one element there."""
    axis = a.get("axis", 1)
    assert x.shape[axis:].numel() == x.shape[axis]
    return x.softmax(axis)


def _upsample(a, x, scales=None):
    assert a["mode"] == "nearest"
    scales = a["scales"] if scales is None else scales.tolist()
    return F.interpolate(x, scale_factor=scales[2:], mode="nearest")


def _resize(a, x, _region, scales):
    assert a["mode"] == "nearest" and all(float(s).is_integer() for s in scales), "repeats only"
    return F.interpolate(x, scale_factor=scales[2:].tolist(), mode="nearest")


def _div(a, x, y):
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def _constant_of_shape(a, shape):
    fill = numpy_helper.to_array(a["value"]) if "value" in a else np.zeros(1, np.float32)
    return torch.from_numpy(np.full(shape.tolist(), fill[0]))


OPERATORS = {
    "Add": lambda a, x, y: x + y, "Mul": lambda a, x, y: x * y, "Sub": lambda a, x, y: x - y, "Div": _div,
    "Relu": lambda a, x: x.relu(), "Sigmoid": lambda a, x: x.sigmoid(),
    "Clip": lambda a, x, low=None, high=None: x.clamp(a.get("min", low), a.get("max", high)),
    "HardSigmoid": lambda a, x: (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda a, x: F.hardswish(x), "Elu": lambda a, x: F.elu(x, a.get("alpha", 1.0)),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)), "Sum": lambda a, *xs: sum(xs),
    "LRN": lambda a, x: F.local_response_norm(x, a["size"], a["alpha"], a["beta"], a["bias"]),
    "Softmax": _softmax, "Upsample": _upsample,
    "Resize": _resize, "ConvTranspose": _conv_transpose,
    "Conv": _conv, "Gemm": _gemm, "MatMul": lambda a, x, y: x @ y,
    "BatchNormalization": lambda a, x, g, b, m, v: F.batch_norm(x, m, v, g, b, False, 0.0, a.get("epsilon", 1e-5)),
    "MaxPool": _max_pool, "AveragePool": _average_pool,
    "GlobalAveragePool": lambda a, x: x.mean(tuple(range(2, x.dim())), keepdim=True), "ReduceMean": _reduce_mean,
    "Flatten": lambda a, x: x.flatten(1), "Reshape": _reshape, "Transpose": lambda a, x: x.permute(a["perm"]),
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]), "Split": _split, "Slice": _slice, "Gather": _gather,
    "Unsqueeze": _unsqueeze, "Pad": _pad, "Shape": lambda a, x: torch.tensor(x.shape),
    "ConstantOfShape": _constant_of_shape, "Identity": lambda a, x: x, "Dropout": lambda a, x, *_: x,
}


def run(model: ModelProto, feeds: dict[str, torch.Tensor], dtype=torch.float32, on_node=None) -> dict[str, torch.Tensor]:
    """Every tensor by name. `on_node(node, attributes, inputs, outputs)` may return other outputs."""
    def of(array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array.copy())
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    values = {t.name: of(numpy_helper.to_array(t)) for t in model.graph.initializer}
    values |= feeds
    for node in model.graph.node:
        a = attributes(node)
        inputs = [values[name] if name else None for name in node.input]
        if node.op_type == "Constant":
            result = of(numpy_helper.to_array(a["value"]))
        elif node.op_type == "Cast":
            result = inputs[0].to(dtype if a["to"] in (1, 10, 11) else {6: torch.int32, 7: torch.int64}[a["to"]])
        else:
            result = OPERATORS[node.op_type](a, *inputs)
        outputs = result if isinstance(result, list) else [result]
        if on_node is not None:
            outputs = on_node(node, a, inputs, outputs) or outputs
        values |= {name: value for name, value in zip(node.output, outputs) if name}
    return values
