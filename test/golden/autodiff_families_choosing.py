"""Cases of operators that choose, multiply, crop, unfold and pool by norms."""

import numpy as np

from autodiff_builders import away_from, node, pick
from autodiff_case import Case


def choosing(rng):
    distinct = lambda *shape: rng.permutation(np.prod(shape)).reshape(shape) * 0.37 - 2
    for index, (axis, largest, opset) in enumerate(((-1, 1, 11), (1, 0, 11), (0, 1, 13), (2, 1, 10), (1, 1, 24))):
        attributes = {"axis": axis} if opset == 10 else {"axis": axis, "largest": largest, "sorted": 1}
        yield Case(f"TopK {attributes}", [node("TopK", "x k", "t i", **attributes), node("Mul", "t t")], {"x": distinct(2, 3, 4)},
                   {"k": np.array([2])}, opset=opset, second=index == 0,
                   torch=lambda torch, x, axis=axis, largest=largest: torch.topk(x, 2, axis, bool(largest)).values ** 2)
    for axes in ((1, 0), (0, 1)):
        yield Case(f"ReverseSequence {axes}", [node("ReverseSequence", "x n", batch_axis=axes[0], time_axis=axes[1])],
                   {"x": rng.standard_normal([3, 3, 2])}, {"n": np.array([1, 3, 2])}, forward=True)
    for axis, condition in ((0, [1, 0, 1]), (1, [0, 1, 1, 0]), (1, [0, 1]), (-1, [0, 0, 1]), (None, [1, 0, 0, 1, 1, 0, 1]), (2, [0, 0, 0])):
        yield Case(f"Compress {axis} {condition}", [node("Compress", "x c", **({} if axis is None else {"axis": axis}))],
                   {"x": rng.standard_normal([3, 4, 3])}, {"c": np.array(condition, bool)}, opset=pick(rng, 11, 17))
    yield Case("Compress by values", [node("Greater", "x zero", "c"), node("Compress", "x c", "p"), node("ReduceSum", "p", keepdims=0)],
               {"x": away_from(rng, [7], 0)}, {"zero": np.float32(0)})
    for axes, shape in ((None, [4, 3, 8]), ([1, 2], [7, 3]), ([2], [2]), ([-1, 0], [9, 5])):
        yield Case(f"CenterCropPad {axes} {shape}", [node("CenterCropPad", "x s", **({} if axes is None else {"axes": axes}))],
                   {"x": rng.standard_normal([3, 4, 5])}, {"s": np.array(shape)}, opset=18, forward=True)
    yield Case("Scatter", [node("Scatter", "x i u", axis=1)], {"x": rng.standard_normal([2, 4])},
               {"u": rng.standard_normal([2, 2]), "i": np.array([[1, 3], [0, 2]])}, opset=10)


def products(rng):
    zeros = lambda *shape: rng.standard_normal(shape) * (rng.random(shape) > 0.25)
    for index, (axes, keep) in enumerate((([1], 1), ([2], 0), ([1, 2], 1), (None, 0), ([-1, 0], 1))):
        opset = (13, 18)[index % 2]
        attributes, constants, names = {"keepdims": keep}, {}, "x"
        if axes and opset == 18:
            constants, names = {"axes": np.array(axes)}, "x axes"
        elif axes:
            attributes["axes"] = axes
        yield Case(f"ReduceProd {axes} {keep}", [node("ReduceProd", names, **attributes)],
                   {"x": zeros(2, 3, 5) if index % 2 else rng.standard_normal([2, 5, 3])}, constants, opset=opset, second=index == 0)


def cumulative_products(rng):
    for axis in (0, 1, -1):
        for exclusive in (0, 1):
            reverse = int(axis != 0)
            def reference(torch, x, axis=axis, exclusive=exclusive, reverse=reverse):
                x = torch.flip(x, [axis]) if reverse else x
                x = torch.cat([torch.ones_like(x.narrow(axis, 0, 1)), x.narrow(axis, 0, x.shape[axis] - 1)], axis) if exclusive else x
                y = torch.cumprod(x, axis)
                return torch.flip(y, [axis]) if reverse else y
            yield Case(f"CumProd {axis} exclusive={exclusive}", [node("CumProd", "x a", exclusive=exclusive, reverse=reverse)],
                       {"x": rng.standard_normal([3, 5, 4]) * (rng.random([3, 5, 4]) > 0.2)}, {"a": np.int64(axis)}, opset=26, torch=reference, forward=True)


def transforms(rng):
    for index, (shape, axis, length, inverse, onesided) in enumerate((
            ([2, 6, 1], 1, None, 0, 0), ([2, 6, 2], 1, None, 1, 0), ([2, 5, 3, 1], 2, None, 0, 1), ([2, 5, 3, 1], 1, 8, 0, 1), ([2, 5, 3, 2], 1, 4, 0, 0))):
        names, constants, attributes = ["x"], {}, dict(inverse=inverse, onesided=onesided)
        if length:
            constants["n"] = np.int64(length)
        opset = (17, 20)[index % 2]
        if opset == 17:
            names, attributes = ["x"] + (["n"] if length else []), attributes | {"axis": axis}
        else:
            constants["a"] = np.int64(axis)
            names = ["x", "n" if length else "", "a"]
        def reference(torch, x, a=(axis, length, inverse, onesided)):
            axis, length, inverse, onesided = a
            z = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else torch.complex(x[..., 0], torch.zeros_like(x[..., 0]))
            y = (torch.fft.ifft if inverse else torch.fft.fft)(z, length, axis)
            return torch.view_as_real(y.narrow(axis, 0, y.shape[axis] // 2 + 1) if onesided else y)
        yield Case(f"DFT {shape} {attributes} {length}", [node("DFT", names, **attributes)], {"x": rng.standard_normal(shape)}, constants, opset=opset,
                   torch=reference, forward=True, tolerance=2e-5)
    for shape in ([1, 1], [2, 2], [2, 3, 3], [1, 2, 5, 5]):
        yield Case(f"Det {shape}", [node("Det", "x")], {"x": rng.standard_normal(shape)}, opset=pick(rng, 11, 22), second=len(shape) == 3,
                   torch=lambda torch, x: torch.linalg.det(x), forward=True)
    for index, (shape, axis, length, inverse, onesided) in enumerate((
            ([2, 4, 2], 1, None, 1, 1), ([1, 2, 5, 2], 2, 8, 1, 1), ([2, 2, 1], 1, 5, 0, 1), ([1, 9, 2], 1, 4, 1, 0), ([1, 700, 1], 1, None, 0, 1))):
        opset = (17, 20)[index % 2]
        names, constants, attributes = ["x"] + (["n"] if length else []), {"n": np.int64(length)} if length else {}, dict(inverse=inverse, onesided=onesided)
        if opset == 17:
            attributes["axis"] = axis
        else:
            names, constants = ["x", "n" if length else "", "a"], constants | {"a": np.int64(axis - len(shape))}
        def reference(torch, x, a=(axis, length, inverse, onesided)):
            axis, length, inverse, onesided = a
            z = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else x[..., 0]
            if inverse and onesided:
                return torch.fft.irfft(z, length, axis)[..., None]
            function = torch.fft.ifft if inverse else torch.fft.rfft if onesided else torch.fft.fft
            return torch.view_as_real(function(z, length, axis))
        yield Case(f"DFT {shape} {attributes} {length} again", [node("DFT", names, "f", **attributes), node("Mul", "f f")], {"x": rng.standard_normal(shape)},
                   constants, opset=opset, torch=lambda torch, x, reference=reference: reference(torch, x) ** 2, forward=True, second=index < 2, tolerance=2e-4 if shape[1] > 100 else 2e-5)
    for index, (length, step, window, size, onesided, opset) in enumerate(((12, 2, True, None, 1, 17), (11, 3, True, 4, 0, 18), (9, 1, False, 5, 1, 22), (8, 4, True, None, 0, 17))):
        size = size or 5
        constants = {"step": np.int64(step)} | ({"w": rng.random(size)} if window else {}) | ({"n": np.int64(size)} if index in (1, 2) else {})
        names = ["x", "step", "w" if window else ""] + (["n"] if "n" in constants else [])
        def reference(torch, x, constants=constants, a=(size, step, onesided)):
            size, step, onesided = a
            w = torch.tensor(np.float32(constants["w"]), dtype=x.dtype) if "w" in constants else torch.ones(size, dtype=x.dtype)
            frames = x[..., 0].unfold(1, size, step) * w
            return torch.view_as_real((torch.fft.rfft if onesided else torch.fft.fft)(frames))
        yield Case(f"STFT {length} {step} {size} onesided={onesided}", [node("STFT", names, "f", onesided=onesided), node("Mul", "f f")],
                   {"x": rng.standard_normal([2, length, 1])}, constants, opset=opset, forward=True, second=index == 0, tolerance=2e-5,
                   torch=lambda torch, x, reference=reference: reference(torch, x) ** 2)
    yield Case("Det of a singular matrix", [node("Det", "x")], {"x": np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])}, opset=11)


def lp_pool(torch, x, p, kernel, strides, pads, dilations, ceil):
    """Sums of |x|^p by a depthwise convolution."""
    functional = torch.nn.functional
    rank = len(kernel)
    extra = [0] * rank
    if ceil:
        for a in range(rank):
            span = x.shape[2 + a] + pads[a] + pads[a + rank] - dilations[a] * (kernel[a] - 1) - 1
            count = -(-span // strides[a]) + 1
            if (count - 1) * strides[a] >= x.shape[2 + a] + pads[a]:
                count -= 1
            extra[a] = max(0, (count - 1) * strides[a] - span)
    flat = [amount for a in reversed(range(rank)) for amount in (pads[a], pads[a + rank] + extra[a])]
    powers = functional.pad(torch.abs(x) ** p, flat)
    ones = torch.ones([x.shape[1], 1, *kernel], dtype=x.dtype)
    conv = (None, functional.conv1d, functional.conv2d, functional.conv3d)[rank]
    return conv(powers, ones, stride=strides, dilation=dilations, groups=x.shape[1]) ** (1 / p)


def norm_pools(rng):
    for index in range(9):
        p = (1, 2, 3)[index % 3]
        rank = pick(rng, 1, 2, 2)
        kernel = [int(rng.integers(1, 4)) for _ in range(rank)]
        strides = [int(rng.integers(1, 3)) for _ in range(rank)]
        pads = [int(rng.integers(0, k)) for k in kernel + kernel]
        opset = (11, 18, 22)[index % 3]
        dilations = [int(rng.integers(1, 3)) for _ in range(rank)] if opset >= 18 else [1] * rank
        ceil = opset >= 18 and index % 2
        attributes = dict(p=p, kernel_shape=kernel, strides=strides, pads=pads)
        if opset >= 18:
            attributes |= dict(dilations=dilations, ceil_mode=int(ceil))
        x = away_from(rng, [2, 3, *[int(rng.integers(6, 9)) for _ in range(rank)]], 0, margin=0.2)
        yield Case(f"LpPool {index} {attributes}", [node("LpPool", "x", **attributes)], {"x": x}, opset=opset, forward=True, second=index == 1,
                   torch=lambda torch, x, a=(p, kernel, strides, pads, dilations, ceil): lp_pool(torch, x, *a))
    x = away_from(rng, [1, 2, 6, 6], 0)
    x[:, :, :4, :4] = 0
    yield Case("LpPool of whole windows of zeros", [node("LpPool", "x", p=3, kernel_shape=[2, 2], strides=[2, 2])], {"x": x},
               torch=lambda torch, x: torch.linalg.vector_norm(x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4), 3, -1))
    for p in (1, 2, 3):
        yield Case(f"GlobalLpPool {p}", [node("GlobalLpPool", "x", p=p)], {"x": away_from(rng, [2, 3, 4, 3], 0)}, forward=True,
                   torch=lambda torch, x, p=p: torch.linalg.vector_norm(x, p, (2, 3), keepdim=True))
    yield Case("LpNormalization 1", [node("LpNormalization", "x", p=1, axis=1)], {"x": away_from(rng, [2, 4, 3], 0)},
               torch=lambda torch, x: x / torch.abs(x).sum(1, True))
    for axes in (None, [2, 3], [1, 2]):
        yield Case(f"MeanVarianceNormalization {axes}", [node("MeanVarianceNormalization", "x", **({} if axes is None else {"axes": axes}))],
                   {"x": rng.standard_normal([2, 3, 4, 3])}, opset=pick(rng, 9, 13), forward=True)


def folds(rng):
    for index in range(5):
        rank = 1 if index == 4 else 2
        block = [int(rng.integers(1, 4)) for _ in range(rank)]
        dilations = [int(rng.integers(1, 3)) for _ in range(rank)]
        strides = [int(rng.integers(1, 3)) for _ in range(rank)]
        pads = [int(rng.integers(0, 2)) for _ in range(2 * rank)]
        image = [int(rng.integers(6, 9)) for _ in range(rank)]
        places = [(image[a] + pads[a] + pads[a + rank] - dilations[a] * (block[a] - 1) - 1) // strides[a] + 1 for a in range(rank)]
        attributes = dict(dilations=dilations, strides=strides, pads=pads)
        yield Case(f"Col2Im {block} {attributes}", [node("Col2Im", "x image block", **attributes)],
                   {"x": rng.standard_normal([2, 2 * int(np.prod(block)), int(np.prod(places))])},
                   {"image": np.array(image), "block": np.array(block)}, opset=18, forward=True)
    for pads in ([0, 0, 0, 0], [1, 1, 1, 1]):
        x = rng.permutation(2 * 2 * 36).reshape(2, 2, 6, 6) * 0.1
        yield Case(f"MaxPool and MaxUnpool {pads}", [node("MaxPool", "x", "p i", kernel_shape=[2, 2], strides=[2, 2], pads=pads),
                                                     node("Mul", "p p", "pp"), node("MaxUnpool", "pp i", kernel_shape=[2, 2], strides=[2, 2], pads=pads),
                                                     node("Mul", "y x", "z")],
                   {"x": x}, opset=17, score="z", second=True, torch=lambda torch, x, pad=pads[0]: unpooled(torch, x, pad))


def unpooled(torch, x, pad):
    values, places = torch.nn.functional.max_pool2d(x, 2, 2, pad, return_indices=True)
    return torch.zeros_like(x).flatten(2).scatter(2, places.flatten(2), (values ** 2).flatten(2)).reshape(x.shape) * x


FAMILIES = {"choosing": choosing, "product": products, "product-running": cumulative_products, "transform": transforms, "pool-norm": norm_pools, "fold": folds}
