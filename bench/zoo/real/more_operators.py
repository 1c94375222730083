"""Operators of these models beyond those of test/golden/torch_graph.py, added to its table."""
import torch
import torch.nn.functional as F

import torch_graph
from torch_graph import OPERATORS


def _same_upper(a, x, kernel, value=0.0):
    """Padded as auto_pad SAME_UPPER says."""
    pads = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(a.get("strides", [1, 1]))):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def _conv(a, x, w, b=None):
    if a.get("auto_pad", "NOTSET") == "SAME_UPPER":
        x, a = _same_upper(a, x, w.shape[2:]), {**a, "auto_pad": "NOTSET"}
    return torch_graph._conv(a, x, w, b)


def _max_pool(a, x):
    if a.get("auto_pad", "NOTSET") == "SAME_UPPER":
        x = _same_upper(a, x, a["kernel_shape"], float("-inf"))
    return torch_graph._max_pool(a, x)


def _shape(a, x):
    return torch.tensor(x.shape)[a.get("start", 0):a.get("end")]


def _softmax(a, x):
    """Of the last axis, whatever the version says of the others."""
    assert a.get("axis", -1) in (-1, x.dim() - 1) or x.shape[a["axis"] + 1:].numel() == 1
    return x.softmax(a.get("axis", -1))


def _resize(a, x, region=None, scales=None, sizes=None):
    if sizes is None or len(sizes) == 0:
        if a["mode"] == "nearest":
            return torch_graph._resize(a, x, region, scales)
        sizes = torch.floor(torch.tensor(x.shape) * scales)
    mode = {"linear": "bilinear", "cubic": "bicubic", "nearest": "nearest"}[a["mode"]]
    corners = {} if mode == "nearest" else {"align_corners": a["coordinate_transformation_mode"] == "align_corners"}
    return F.interpolate(x, [int(size) for size in sizes[2:]], mode=mode, **corners)


def _squeeze(a, x, axes=None):
    axes = a.get("axes") if axes is None else axes.tolist()
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def _constant_of_shape(a, shape):
    """Fractions in the type that is set as PyTorch's default."""
    filled = torch_graph._constant_of_shape(a, shape)
    return filled.to(torch.get_default_dtype()) if filled.is_floating_point() else filled


OPERATORS.update({
    "ConstantOfShape": _constant_of_shape, "Conv": _conv, "MaxPool": _max_pool,
    "Resize": _resize, "Shape": _shape, "Softmax": _softmax, "Squeeze": _squeeze,
    "PRelu": lambda a, x, slope: torch.where(x > 0, x, slope * x), "Tanh": lambda a, x: x.tanh(),
    "Exp": lambda a, x: x.exp(), "Pow": lambda a, x, y: x ** y, "Sqrt": lambda a, x: x.sqrt(), "Erf": lambda a, x: x.erf(),
    "Equal": lambda a, x, y: x == y, "Where": lambda a, c, x, y: torch.where(c, x, y),
    "Expand": lambda a, x, shape: x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist()))),
})
