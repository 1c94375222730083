"""Operators in float64 for the onnx package's reference evaluator, where its own are wrong or incomplete (1.23):
grouped and dilated (transposed) convolutions, pools in ceil mode, padding by negative amounts, Erf rounded to float32,
Softmax of axis 0 and before opset 13, LRN windows, BatchNormalization of old opsets, per-channel GroupNormalization,
Mean of broadcast tensors, nearest Upsample and Resize of old opsets,
ScatterElements and GatherElements of long vectors.
"""

import numpy as np
import torch
from onnx.reference.op_run import OpRun
from onnx.reference.ops import op_resize, op_roi_align
from scipy import special

from float64_recurrent import RECURRENT

functional = torch.nn.functional


def tensor(array):
    return torch.from_numpy(np.array(array))


def window_pads(attributes_pads, auto_pad, sizes, kernel, strides, dilations):
    """Begin and end padding per axis."""
    rank = len(kernel)
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, k, s, d in zip(sizes, kernel, strides, dilations):
            total = max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
            small, large = total // 2, total - total // 2
            pads.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
        return pads
    pads = attributes_pads or [0] * (2 * rank)
    return list(zip(pads[:rank], pads[rank:]))


def padded(x, pads, value):
    """Pads (or crops) the last axes of a torch tensor."""
    flat = [int(amount) for pair in reversed(pads) for amount in pair]
    return functional.pad(x, flat, value=value)


class Conv(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, pads=None, strides=None):
        rank = x.ndim - 2
        kernel, strides, dilations = w.shape[2:], strides or [1] * rank, dilations or [1] * rank
        pads = window_pads(pads, auto_pad, x.shape[2:], kernel, strides, dilations)
        function = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
        bias = None if b is None else tensor(b)
        return (function(padded(tensor(x), pads, 0.0), tensor(w), bias, strides, 0, dilations, group or 1).numpy(),)


class ConvTranspose(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, output_padding=None,
             output_shape=None, pads=None, strides=None):
        assert output_shape is None and auto_pad in (None, "NOTSET")
        rank = x.ndim - 2
        function = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[rank - 1]
        bias = None if b is None else tensor(b)
        full = function(tensor(x), tensor(w), bias, strides or 1, 0, 0, group or 1, dilations or 1)
        pads, extra = pads or [0] * (2 * rank), output_padding or [0] * rank
        crop = [(-begin, more - end) for begin, end, more in zip(pads[:rank], pads[rank:], extra)]
        return (padded(full, crop, 0.0).numpy(),)


def windows(x, kernel, strides, dilations, pads, ceil_mode, fill):
    """[N, C, outputs…, cells of a window], and where those cells are inside the map and inside its padding."""
    sizes = x.shape[2:]
    outputs = []
    for size, k, s, d, (begin, end) in zip(sizes, kernel, strides, dilations, pads):
        span = size + begin + end - d * (k - 1) - 1
        count = (-(-span // s) if ceil_mode else span // s) + 1
        if ceil_mode and (count - 1) * s >= size + begin:
            count -= 1
        outputs.append(count)
    index, inside, allowed = [], [], []
    for axis, (count, k, s, d) in enumerate(zip(outputs, kernel, strides, dilations)):
        cells = np.arange(count)[:, None] * s - pads[axis][0] + np.arange(k)[None] * d
        index.append(np.clip(cells, 0, sizes[axis] - 1))
        inside.append((cells >= 0) & (cells < sizes[axis]))
        allowed.append(cells < sizes[axis] + pads[axis][1])
    rank = len(kernel)

    def spread(values, combine):
        total = None
        for axis, item in enumerate(values):
            shape = [1] * (2 * rank)
            shape[axis], shape[rank + axis] = item.shape
            item = item.reshape(shape)
            total = item if total is None else combine(total, item)
        return total

    picked = x[(slice(None), slice(None), *[item.reshape([item.shape[0] if a == axis else item.shape[1] if a == rank + axis else 1
                                                              for a in range(2 * rank)]) for axis, item in enumerate(index)])]
    mask = spread(inside, np.logical_and)
    values = np.where(mask, picked, fill)
    shape = [*x.shape[:2], *outputs, -1]
    flat = lambda item: np.broadcast_to(item, [*outputs, *kernel]).reshape([*outputs, -1])
    return values.reshape(shape), flat(mask), flat(spread(allowed, np.logical_and))


class MaxPool(OpRun):
    def _run(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None, storage_order=None, strides=None):
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        pads = window_pads(pads, auto_pad, x.shape[2:], kernel_shape, strides, dilations)
        positions = np.arange(x.size, dtype=np.float64).reshape(x.shape)
        values, _, _ = windows(x, kernel_shape, strides, dilations, pads, ceil_mode, -np.inf)
        places, _, _ = windows(positions, kernel_shape, strides, dilations, pads, ceil_mode, -1.0)
        first = values.argmax(-1)[..., None]
        maxima = np.take_along_axis(values, first, -1)[..., 0]
        if len(self.onnx_node.output) == 1:
            return (maxima,)
        return maxima, np.take_along_axis(places, first, -1)[..., 0].astype(np.int64)


class AveragePool(OpRun):
    def _run(self, x, auto_pad=None, ceil_mode=None, count_include_pad=None, dilations=None, kernel_shape=None, pads=None, strides=None):
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        pads = window_pads(pads, auto_pad, x.shape[2:], kernel_shape, strides, dilations)
        values, inside, allowed = windows(x, kernel_shape, strides, dilations, pads, ceil_mode, 0.0)
        counts = (allowed if count_include_pad else inside).sum(-1)
        return (values.sum(-1) / counts,)


class Pad(OpRun):
    def _run(self, x, pads=None, constant_value=None, axes=None, mode=None, value=None):
        pads = [int(amount) for amount in pads]
        axes = [int(axis) % x.ndim for axis in axes] if axes is not None else list(range(x.ndim))
        before, after = [0] * x.ndim, [0] * x.ndim
        for place, axis in enumerate(axes):
            before[axis], after[axis] = pads[place], pads[place + len(axes)]
        fill = constant_value if constant_value is not None else value or 0.0
        x = x[tuple(slice(max(-b, 0), size - max(-a, 0)) for b, a, size in zip(before, after, x.shape))]
        width = [(max(b, 0), max(a, 0)) for b, a in zip(before, after)]
        if mode in (None, "constant"):
            return (np.pad(x, width, constant_values=np.asarray(fill).reshape(())),)
        return (np.pad(x, width, mode=mode),)


class Erf(OpRun):
    def _run(self, x):
        return (special.erf(x),)


def normalised(self, x, axis, function):
    version = self.run_params["opsets"][""]
    if version >= 13:
        return function(x, axis=-1 if axis is None else axis)
    given = any(attribute.name == "axis" for attribute in self.onnx_node.attribute)
    start = axis % x.ndim if given else 1
    return function(x.reshape(int(np.prod(x.shape[:start])), -1), axis=1).reshape(x.shape)


class Gelu(OpRun):
    def _run(self, x, approximate=None):
        if approximate == "tanh":
            return (x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),)
        return (x / 2 * (1 + special.erf(x / np.sqrt(2))),)


class Softmax(OpRun):
    def _run(self, x, axis=None):
        return (normalised(self, x, axis, special.softmax),)


class LogSoftmax(OpRun):
    def _run(self, x, axis=None):
        return (normalised(self, x, axis, special.log_softmax),)


class LRN(OpRun):
    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        before = (size - 1) // 2
        squares = np.pad(x * x, [(0, 0), (before, size - 1 - before)] + [(0, 0)] * (x.ndim - 2))
        total = sum(squares[:, shift:shift + x.shape[1]] for shift in range(size))
        return (x / (bias + alpha / size * total) ** beta,)


def per_channel(values, x):
    return values.reshape([1, -1] + [1] * (x.ndim - 2))


class BatchNormalization(OpRun):
    def _run(self, x, scale, bias, mean, variance, epsilon=None, momentum=None, training_mode=None, spatial=None):
        normal = (x - per_channel(mean, x)) / np.sqrt(per_channel(variance, x) + epsilon)
        return (normal * per_channel(scale, x) + per_channel(bias, x),)


class GroupNormalization(OpRun):
    def _run(self, x, scale, bias, epsilon=None, num_groups=None, stash_type=None):
        grouped = x.reshape(x.shape[0], num_groups, -1)
        normal = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + epsilon)
        repeat = x.shape[1] // len(scale)
        return (normal.reshape(x.shape) * per_channel(np.repeat(scale, repeat), x) + per_channel(np.repeat(bias, repeat), x),)


class Mean(OpRun):
    def _run(self, *items):
        return (sum(items) / len(items),)


class Upsample(OpRun):
    def _run(self, x, scales_input=None, mode=None, scales=None):
        assert mode == "nearest"
        for axis, factor in enumerate(scales if scales_input is None else scales_input):
            assert factor == int(factor)
            x = np.repeat(x, int(factor), axis)
        return (x,)


class Resize(op_resize.Resize):
    def _run(self, x, *inputs, **attributes):
        if self.run_params["opsets"][""] > 10:
            return super()._run(x, *inputs, **attributes)
        return Upsample._run(self, x, inputs[0], mode=attributes["mode"])


class ScatterElements(OpRun):
    def _run(self, data, indices, updates, axis=None, reduction=None):
        result = np.array(data)
        places = list(np.indices(indices.shape))
        places[axis] = indices
        if reduction == "add":
            np.add.at(result, tuple(places), updates)
        else:
            assert reduction in (None, "none")
            result[tuple(places)] = updates
        return (result,)


class Scatter(ScatterElements):
    def _run(self, data, indices, updates, axis=None):
        return ScatterElements._run(self, data, indices, updates, axis=axis)


class GlobalLpPool(OpRun):
    def _run(self, x, p=None):
        return (np.linalg.norm(x.reshape(*x.shape[:2], -1), p, -1).reshape(*x.shape[:2], *[1] * (x.ndim - 2)),)


class MeanVarianceNormalization(OpRun):
    def _run(self, x, axes=None):
        axes = tuple(axes or (0, 2, 3))
        centred = x - x.mean(axes, keepdims=True)
        return (centred / (np.sqrt((centred ** 2).mean(axes, keepdims=True)) + 1e-9),)


class GridSample(OpRun):
    def _run(self, x, grid, mode=None, padding_mode=None, align_corners=None):
        mode = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
        return (functional.grid_sample(tensor(x), tensor(grid), mode, padding_mode, bool(align_corners)).numpy(),)


class RoiAlign(op_roi_align.RoiAlign):
    def _run(self, *inputs, coordinate_transformation_mode=None, **attributes):
        old = self.run_params["opsets"][""] < 16
        mode = "output_half_pixel" if old else coordinate_transformation_mode
        return super()._run(*inputs, coordinate_transformation_mode=mode, **attributes)


class MaxRoiPool(OpRun):
    def _run(self, x, rois, pooled_shape=None, spatial_scale=None):
        return (roi_pool(torch, tensor(x), tensor(rois), pooled_shape, spatial_scale or 1.0).numpy(),)


def roi_pool(torch, x, rois, shape, scale):
    """As the runtime counts: edges rounded away from zero, the first of equal cells."""
    rows = []
    for box in rois.tolist():
        left, top, right, bottom = [int(np.sign(v * scale) * np.floor(abs(v * scale) + 0.5)) for v in box[1:]]
        extents = [(top, max(bottom - top + 1, 1), x.shape[2]), (left, max(right - left + 1, 1), x.shape[3])]
        def edges(axis, index):
            start, length, cells = extents[axis]
            size = np.float32(length) / np.float32(shape[axis])
            return (min(max(int(np.floor(np.float32(index) * size)) + start, 0), cells),
                    min(max(int(np.ceil(np.float32(index + 1) * size)) + start, 0), cells))
        bins = []
        for ph in range(shape[0]):
            for pw in range(shape[1]):
                (a, b), (c, d) = edges(0, ph), edges(1, pw)
                cells = x[int(box[0]), :, a:b, c:d].flatten(1)
                bins.append(cells.gather(1, cells.argmax(1, keepdim=True))[:, 0] if cells.numel() else 0 * x[0, :, 0, 0])
        rows.append(torch.stack(bins, 1).reshape(-1, *shape))
    return torch.stack(rows)


class AffineGrid(OpRun):
    def _run(self, theta, size, align_corners=None):
        return (functional.affine_grid(tensor(theta), [int(n) for n in size], bool(align_corners)).numpy(),)


class GatherElements(OpRun):
    def _run(self, data, indices, axis=None):
        return (np.take_along_axis(data, indices, axis),)


OPERATORS = [Conv, ConvTranspose, MaxPool, AveragePool, Pad, Erf, Gelu, Upsample, Resize, Softmax, LogSoftmax, LRN, BatchNormalization,
             GroupNormalization, Mean, ScatterElements, GatherElements, Scatter, GridSample, AffineGrid, RoiAlign, MaxRoiPool, GlobalLpPool, MeanVarianceNormalization, *RECURRENT]
