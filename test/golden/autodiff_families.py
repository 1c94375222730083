"""The cases of make_autodiff_cases.py: one generator per operator family."""

import numpy as np

import autodiff_families_choosing
import autodiff_families_recurrent
import autodiff_families_sampling
from autodiff_builders import away_from, node, pick
from autodiff_case import Case


def conv(rng):
    for index in range(28):
        rank = pick(rng, 1, 2, 2, 2, 3)
        kind = pick(rng, "plain", "plain", "grouped", "depthwise", "depthwise", "multiplier")
        group = {"plain": 1, "grouped": 2, "depthwise": 4, "multiplier": 2}[kind]
        inner = {"plain": 3, "grouped": 2, "depthwise": 1, "multiplier": 1}[kind]
        outer = {"plain": 2, "grouped": 3, "depthwise": 1, "multiplier": 2}[kind]
        kernel = [int(rng.integers(1, 4)) for _ in range(rank)]
        strides = [pick(rng, 1, 1, 2, 3) for _ in range(rank)] if index % 2 else [1] * rank
        dilations = [pick(rng, 1, 1, 2) for _ in range(rank)]
        size = [int(rng.integers(4, 8 if rank < 3 else 6)) + (k - 1) * (d - 1) for k, d in zip(kernel, dilations)]
        attributes = dict(kernel_shape=kernel, strides=strides, dilations=dilations, group=group)
        pads = [int(rng.integers(0, 3)) for _ in range(2 * rank)]
        auto = pick(rng, None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID") if all(d == 1 for d in dilations) else None
        if auto:
            attributes["auto_pad"] = auto
        else:
            attributes["pads"] = pads
        x = rng.standard_normal([pick(rng, 1, 2), group * inner, *size])
        w = rng.standard_normal([group * outer, inner, *kernel])
        yield Case(f"Conv {index} {kind} {attributes}", [node("Conv", "x w b", **attributes)], {"x": x},
                   {"w": w, "b": rng.standard_normal(group * outer)}, opset=pick(rng, 8, 11, 17, 20))
    yield Case("Conv rows never read", [node("Conv", "x w", kernel_shape=[1, 1], strides=[3, 3])],
               {"x": rng.standard_normal([1, 2, 6, 6])}, {"w": rng.standard_normal([3, 2, 1, 1])})
    yield Case("Conv pads above the kernel's reach", [node("Conv", "x w", kernel_shape=[2, 2], pads=[2, 2, 3, 2])],
               {"x": rng.standard_normal([1, 2, 3, 3])}, {"w": rng.standard_normal([3, 2, 2, 2])})


def conv_transpose(rng):
    for index in range(10):
        strides = [pick(rng, 1, 2, 3), pick(rng, 1, 2)]
        attributes = dict(kernel_shape=[3, 2], strides=strides, group=pick(rng, 1, 2), pads=[int(rng.integers(0, 2)) for _ in range(4)],
                          dilations=[pick(rng, 1, 2), 1], output_padding=[int(rng.integers(0, strides[0])), int(rng.integers(0, strides[1]))])
        x = rng.standard_normal([1, 4, 4, 3])
        w = rng.standard_normal([4, 2, 3, 2])
        yield Case(f"ConvTranspose {index} {attributes}", [node("ConvTranspose", "x w", **attributes)], {"x": x}, {"w": w}, opset=pick(rng, 11, 17))


def matmul(rng):
    for index in range(12):
        ta, tb = int(rng.integers(2)), int(rng.integers(2))
        a = rng.standard_normal([4, 3] if ta else [3, 4])
        b = rng.standard_normal([5, 4] if tb else [4, 5])
        c = rng.standard_normal(pick(rng, [5], [3, 1], [3, 5], [1]))
        yield Case(f"Gemm {index} transA={ta} transB={tb} c={list(c.shape)}",
                   [node("Gemm", "a b c", transA=ta, transB=tb, alpha=pick(rng, 1.0, 0.5), beta=pick(rng, 1.0, 2.0))],
                   {"a": a, "b": b, "c": c}, opset=pick(rng, 8, 11, 17))
    shapes = [([3, 4], [4, 5]), ([2, 3, 4], [4, 5]), ([2, 3, 4], [2, 4, 5]), ([1, 3, 4], [2, 4, 5]), ([2, 2, 3, 4], [2, 1, 4, 2]),
              ([4], [4, 3]), ([3, 4], [4]), ([4], [4]), ([2, 3, 4], [4]), ([4], [2, 4, 3]), ([3, 4], [2, 4, 5])]
    for a, b in shapes:
        yield Case(f"MatMul {a} {b}", [node("MatMul", "a b")], {"a": rng.standard_normal(a), "b": rng.standard_normal(b)}, opset=pick(rng, 9, 13, 17))


def arithmetic(rng):
    shapes = [([2, 3, 4], [2, 3, 4]), ([2, 3, 4], [4]), ([2, 3, 4], [3, 1]), ([1, 4], [2, 3, 1]), ([2, 3], []), ([2, 1, 4], [1, 3, 1])]
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sum", "Mean"]:
        for a, b in shapes:
            x, z = rng.standard_normal(a), rng.standard_normal(b)
            if op in ("Div", "Pow"):
                z = np.abs(z) + 0.5
            if op == "Pow":
                x = np.abs(x) + 0.5
            yield Case(f"{op} {a} {b}", [node(op, "a b")], {"a": x, "b": z}, opset=pick(rng, 8, 12, 17) if op not in ("Max", "Min") else pick(rng, 8, 12))
    for exponent in (2.0, 3.0, -1.5, 0.5):
        yield Case(f"Pow {exponent}", [node("Pow", "x p")], {"x": np.abs(rng.standard_normal([2, 3])) + 0.3}, {"p": np.float32(exponent)})
    yield Case("Mul of one tensor by itself", [node("Mul", "x x")], {"x": rng.standard_normal([2, 3])})
    yield Case("Add of one tensor to itself", [node("Add", "x x")], {"x": rng.standard_normal([2, 3])})
    yield Case("Sum of three", [node("Sum", "a b c")], {"a": rng.standard_normal([2, 3]), "b": rng.standard_normal([3]), "c": rng.standard_normal([2, 1])})
    yield Case("Max of three", [node("Max", "a b c")], {"a": rng.standard_normal([2, 3]), "b": rng.standard_normal([3]), "c": rng.standard_normal([2, 1])})
    yield Case("Where", [node("Where", "c a b")], {"a": rng.standard_normal([2, 3]), "b": rng.standard_normal([3])},
               {"c": np.array([[True], [False]])})


def unary(rng):
    smooth = {"Neg": None, "Exp": None, "Sin": None, "Cos": None, "Erf": None, "Sigmoid": None, "Tanh": None, "Softplus": None,
              "Identity": None}
    for op in smooth:
        yield Case(op, [node(op, "x")], {"x": rng.standard_normal([2, 5])}, opset=pick(rng, 9, 13, 17))
    for op in ["Log", "Sqrt", "Reciprocal"]:
        yield Case(op, [node(op, "x")], {"x": np.abs(rng.standard_normal([2, 5])) + 0.5})
    for op in ["Abs", "Softsign", "Relu"]:
        yield Case(op, [node(op, "x")], {"x": away_from(rng, [2, 6], 0)}, opset=pick(rng, 7, 13, 17))
    for op in ["Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh"]:
        yield Case(op, [node(op, "x")], {"x": rng.uniform(-0.9, 0.9, [2, 5])}, opset=pick(rng, 9, 13, 22), second=True)
    yield Case("Acosh", [node("Acosh", "x")], {"x": rng.uniform(1.2, 4, [2, 5])}, opset=9)
    for lambd, bias in ((0.5, 0.0), (0.8, 0.8), (0.3, -0.2)):
        yield Case(f"Shrink {lambd} {bias}", [node("Shrink", "x", lambd=lambd, bias=bias)], {"x": away_from(rng, [3, 6], lambd, -lambd)}, opset=9)
    yield Case("Mod of floats", [node("Mod", "x d", fmod=1)], {"x": rng.uniform(1, 9, [2, 5]), "d": np.array([1.3, -2.1, 0.7, 3.3, 1.9])}, opset=13)
    yield Case("CastLike", [node("CastLike", "x k"), node("Mul", ["y", "y"], "z")], {"x": rng.standard_normal([2, 3])}, {"k": np.float32(1)}, opset=15, score="z")
    yield Case("Dropout at inference", [node("Dropout", "x")], {"x": rng.standard_normal([2, 5])}, opset=13)


def activation(rng):
    x = lambda *kinks: away_from(rng, [3, 8], *kinks, scale=2.0)
    for alpha in (0.01, 0.3, -0.5):
        yield Case(f"LeakyRelu {alpha}", [node("LeakyRelu", "x", alpha=alpha)], {"x": x(0)})
        yield Case(f"Elu {alpha}", [node("Elu", "x", alpha=abs(alpha))], {"x": x(0)})
        yield Case(f"Celu {alpha}", [node("Celu", "x", alpha=abs(alpha) + 0.2)], {"x": x(0)},
                   torch=lambda torch, x, a=float(np.float32(abs(alpha) + 0.2)): torch.nn.functional.celu(x, a))
    yield Case("Selu", [node("Selu", "x")], {"x": x(0)})
    yield Case("Selu attributes", [node("Selu", "x", alpha=0.5, gamma=2.0)], {"x": x(0)})
    yield Case("ThresholdedRelu", [node("ThresholdedRelu", "x", alpha=0.5)], {"x": x(0.5)})
    yield Case("PRelu", [node("PRelu", "x s")], {"x": rng.standard_normal([2, 3, 2, 2]) + 0.1, "s": rng.standard_normal([3, 1, 1])},
               torch=lambda torch, x, s: torch.where(x > 0, x, x * s))
    yield Case("HardSigmoid", [node("HardSigmoid", "x")], {"x": x(-2.5, 2.5)})
    yield Case("HardSigmoid 1/6", [node("HardSigmoid", "x", alpha=1 / 6, beta=0.5)], {"x": away_from(rng, [3, 8], -3, 3, scale=4)},
               tolerance=1e-5)
    yield Case("HardSwish", [node("HardSwish", "x")], {"x": away_from(rng, [3, 8], -3, 3, scale=4)})
    yield Case("Mish", [node("Mish", "x")], {"x": x()}, opset=18)
    for approximate in ("none", "tanh"):
        yield Case(f"Gelu {approximate}", [node("Gelu", "x", approximate=approximate)], {"x": x()}, opset=20)
    for low, high in ((0, 6), (-1, 1), (None, 1), (0.5, None), (None, None)):
        kinks = [bound for bound in (low, high) if bound is not None]
        constants = {name: np.float32(bound) for name, bound in (("low", low), ("high", high)) if bound is not None}
        inputs = ["x", "low" if low is not None else "", "high" if high is not None else ""]
        yield Case(f"Clip {low} {high}", [node("Clip", inputs)], {"x": x(*kinks)}, constants, opset=13)
        attributes = {name: float(bound) for name, bound in (("min", low), ("max", high)) if bound is not None}
        yield Case(f"Clip attributes {low} {high}", [node("Clip", "x", **attributes)], {"x": x(*kinks)}, opset=8)
    yield Case("Clip at its bounds", [node("Clip", "x low high")], {"x": np.array([-1.0, 0, 3, 6, 7, 6])}, {"low": np.float32(0), "high": np.float32(6)},
               opset=13, torch=lambda torch, x: torch.nn.functional.relu6(x))
    yield Case("Relu at zero", [node("Relu", "x")], {"x": np.array([-1.0, 0, -0.0, 2])}, torch=lambda torch, x: torch.relu(x))
    for alpha in (1.0, -0.7):
        yield Case(f"Swish {alpha}", [node("Swish", "x", alpha=alpha)], {"x": x()}, opset=24)


def softmax(rng):
    for opset, axis in ((11, None), (11, 1), (11, 2), (12, 0), (13, None), (13, 1), (17, -2), (17, -1)):
        for op in ("Softmax", "LogSoftmax"):
            attributes = {} if axis is None else {"axis": axis}
            flat = opset < 13
            start = (1 if axis is None else axis)
            def reference(torch, x, flat=flat, start=start, axis=axis, op=op):
                function = torch.softmax if op == "Softmax" else torch.log_softmax
                if flat:
                    return function(x.reshape(int(np.prod(x.shape[:start])), -1), 1).reshape(x.shape)
                return function(x, -1 if axis is None else axis)
            yield Case(f"{op} opset {opset} axis {axis}", [node(op, "x", **attributes)], {"x": rng.standard_normal([2, 3, 4])}, opset=opset, torch=reference)


def normalization(rng):
    for opset in (8, 11, 15):
        yield Case(f"BatchNormalization opset {opset}", [node("BatchNormalization", "x s b m v", epsilon=1e-3)],
                   {"x": rng.standard_normal([2, 3, 2, 2])},
                   {"s": rng.standard_normal(3), "b": rng.standard_normal(3), "m": rng.standard_normal(3), "v": rng.random(3) + 0.5}, opset=opset)
    yield Case("BatchNormalization of vectors", [node("BatchNormalization", "x s b m v")], {"x": rng.standard_normal([4, 3])},
               {"s": rng.standard_normal(3), "b": rng.standard_normal(3), "m": rng.standard_normal(3), "v": rng.random(3) + 0.5})
    for axis, shape in ((-1, [2, 3, 5]), (1, [2, 3, 4]), (2, [2, 2, 3, 2])):
        size = shape[axis:]
        yield Case(f"LayerNormalization axis {axis}", [node("LayerNormalization", "x s b", axis=axis, epsilon=1e-3)],
                   {"x": rng.standard_normal(shape), "s": rng.standard_normal(size), "b": rng.standard_normal(size)})
    yield Case("LayerNormalization with a zero scale", [node("LayerNormalization", "x s")], {"x": rng.standard_normal([2, 4])},
               {"s": np.array([1.0, 0, 2, 0])})
    yield Case("InstanceNormalization", [node("InstanceNormalization", "x s b", epsilon=1e-3)], {"x": rng.standard_normal([2, 3, 4, 2])},
               {"s": rng.standard_normal(3), "b": rng.standard_normal(3)})
    for opset, size in ((18, 2), (21, 4)):
        yield Case(f"GroupNormalization opset {opset}", [node("GroupNormalization", "x s b", num_groups=2, epsilon=1e-3)],
                   {"x": rng.standard_normal([2, 4, 3, 2])}, {"s": rng.standard_normal(size), "b": rng.standard_normal(size)}, opset=opset)
    for axis in (-1, 1):
        yield Case(f"LpNormalization axis {axis}", [node("LpNormalization", "x", axis=axis, p=2)], {"x": rng.standard_normal([2, 3, 4])})
    for size in (3, 5):
        yield Case(f"LRN {size}", [node("LRN", "x", size=size, alpha=0.1, beta=0.75, bias=1.5)],
                   {"x": rng.standard_normal([2, 6, 2, 3])})


def reduce(rng):
    ops = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceLogSum"]
    for op in ops:
        for opset in (11, 13, 18):
            axes = pick(rng, [1], [2, 3], [-1], [0, 2], None, [1, -1])
            keepdims = int(rng.integers(2))
            x = away_from(rng, [2, 3, 2, 4], 0)
            if op == "ReduceLogSum":
                x = np.abs(x)
            attributes, names, constants = dict(keepdims=keepdims), ["x"], {}
            if axes is not None:
                if opset >= (13 if op == "ReduceSum" else 18):
                    names, constants = ["x", "axes"], {"axes": np.array(axes, np.int64)}
                else:
                    attributes["axes"] = axes
            yield Case(f"{op} opset {opset} axes {axes} keepdims {keepdims}", [node(op, names, **attributes)], {"x": x}, constants, opset=opset)
    yield Case("ReduceMax with ties", [node("ReduceMax", "x", axes=[1], keepdims=0)], {"x": np.array([[1.0, 3, 3, 2], [5, 5, 5, 1]])}, opset=13,
               torch=lambda torch, x: torch.amax(x, 1))
    yield Case("GlobalMaxPool with ties", [node("GlobalMaxPool", "x")], {"x": rng.integers(0, 3, [2, 2, 3, 3]).astype(float)},
               torch=lambda torch, x: torch.amax(x, (2, 3), keepdim=True))
    yield Case("GlobalAveragePool", [node("GlobalAveragePool", "x")], {"x": rng.standard_normal([2, 3, 4, 5])})
    yield Case("GlobalAveragePool of sequences", [node("GlobalAveragePool", "x")], {"x": rng.standard_normal([2, 3, 4])})
    for exclusive in (0, 1):
        for reverse in (0, 1):
            yield Case(f"CumSum exclusive {exclusive} reverse {reverse}", [node("CumSum", "x axis", exclusive=exclusive, reverse=reverse)],
                       {"x": rng.standard_normal([2, 4])}, {"axis": np.array(1, np.int64)})


def pool_average(rng):
    for index in range(24):
        rank = pick(rng, 1, 2, 2, 2, 3)
        kernel = [int(rng.integers(1, 4)) for _ in range(rank)]
        kind = index % 4
        strides = kernel if kind == 0 else [1] * rank if kind == 1 else [pick(rng, 1, 2, 3) for _ in range(rank)]
        attributes = dict(kernel_shape=kernel, strides=strides)
        if kind:
            attributes["pads"] = [int(rng.integers(0, k)) for k in kernel] * 2
        if kind == 3:
            attributes["ceil_mode"] = 1
        if rng.random() < 0.5:
            attributes["count_include_pad"] = 1
        if attributes.get("ceil_mode") and attributes.get("count_include_pad"):
            # Engines differ in the divisor of overhanging windows that count padding: the tests ask ONNX Runtime itself.
            del attributes["count_include_pad"]
        size = [k * int(rng.integers(1, 3)) if kind == 0 else int(rng.integers(4, 8)) for k in kernel]
        yield Case(f"AveragePool {index} {attributes} on {size}", [node("AveragePool", "x", **attributes)],
                   {"x": rng.standard_normal([1, 2, *size])}, opset=pick(rng, 10, 11, 17, 19))
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield Case(f"AveragePool {auto}", [node("AveragePool", "x", kernel_shape=[3, 2], strides=[2, 2], auto_pad=auto)],
                   {"x": rng.standard_normal([1, 2, 6, 5])})
    yield Case("AveragePool over the whole map", [node("AveragePool", "x", kernel_shape=[4, 3])], {"x": rng.standard_normal([2, 2, 4, 3])})
    yield Case("AveragePool dilated", [node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 1])], {"x": rng.standard_normal([1, 2, 5, 4])}, opset=19)


def torch_max_pool(kernel, strides, pads, dilations, ceil):
    """PyTorch's pool (first maximum in row-major order); asymmetric pads by padding with -inf first."""
    rank = len(kernel)
    def run(torch, x):
        flat = [amount for axis in reversed(range(rank)) for amount in (pads[axis], pads[axis + rank])]
        sizes = x.shape[2:]
        x = torch.nn.functional.pad(x, flat, value=-np.inf)
        # ONNX drops a last window that would start beyond the map and its begin padding.
        outputs = []
        for axis in range(rank):
            span = x.shape[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1
            count = (-(-span // strides[axis]) if ceil else span // strides[axis]) + 1
            if ceil and (count - 1) * strides[axis] >= sizes[axis] + pads[axis]:
                count -= 1
            outputs.append(count)
            need = (count - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - x.shape[axis + 2]
            if need > 0:
                extra = [0] * (2 * rank)
                extra[2 * (rank - 1 - axis) + 1] = need
                x = torch.nn.functional.pad(x, extra, value=-np.inf)
        function = getattr(torch.nn.functional, f"max_pool{rank}d")
        y = function(x, kernel, strides, 0, dilations)
        return y[(slice(None), slice(None), *[slice(0, count) for count in outputs])]
    return run


def pool_max(rng):
    for index in range(36):
        rank = pick(rng, 1, 2, 2, 2, 2, 3)
        kind = index % 4
        kernel = [int(rng.integers(2, 4)) for _ in range(rank)]
        strides = kernel if kind == 0 else [1] * rank if kind == 1 else [pick(rng, 1, 2, 2, 3) for _ in range(rank)]
        pads = [0] * (2 * rank) if kind == 0 else [int(rng.integers(0, k)) for k in kernel * 2]
        dilations = [pick(rng, 1, 1, 2) for _ in range(rank)] if kind == 3 else [1] * rank
        ceil = bool(rng.integers(2)) if kind != 0 else False
        size = [int(rng.integers(5, 8)) if kind else k * 2 + int(rng.integers(2)) for k in kernel]
        attributes = dict(kernel_shape=kernel, strides=strides, pads=pads)
        if ceil:
            attributes["ceil_mode"] = 1
        if kind == 3:
            attributes["dilations"] = dilations
        # Integers, so that ties are common.
        x = rng.integers(-2, 3, [2, 2, *size]).astype(float)
        yield Case(f"MaxPool {index} {attributes} on {size}", [node("MaxPool", "x", **attributes)], {"x": x},
                   opset=pick(rng, 10, 11, 13, 16, 17, 20), torch=torch_max_pool(kernel, strides, pads, dilations, ceil))
    for opset in (8, 9, 16):
        yield Case(f"MaxPool opset {opset}", [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0])],
                   {"x": rng.integers(-2, 3, [2, 2, 7, 6]).astype(float)}, opset=opset,
                   torch=torch_max_pool([3, 3], [2, 2], [1, 1, 0, 0], [1, 1], False))
    for auto, pads in (("SAME_UPPER", [0, 1, 1, 1]), ("SAME_LOWER", [1, 1, 0, 1]), ("VALID", [0] * 4)):
        for opset in (9, 17):
            yield Case(f"MaxPool {auto} opset {opset}", [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto)],
                       {"x": rng.integers(-2, 3, [1, 2, 6, 5]).astype(float)}, opset=opset,
                       torch=torch_max_pool([3, 3], [2, 2], pads, [1, 1], False))
    zeros = np.maximum(rng.integers(-3, 2, [1, 3, 8, 8]).astype(float), 0)
    for opset in (11, 17):
        yield Case(f"MaxPool of windows of zeros opset {opset}", [node("Identity", "x", "r"), node("MaxPool", "r", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)],
                   {"x": zeros}, opset=opset, torch=lambda torch, x: torch.nn.functional.max_pool2d(x, 3, 2, 1))
    yield Case("MaxPool of tiled windows of zeros", [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2])], {"x": zeros},
               torch=lambda torch, x: torch.nn.functional.max_pool2d(x, 2))


def shape(rng):
    x = lambda *dims: rng.standard_normal(list(dims))
    ints = lambda *values: np.array(values, np.int64)
    yield Case("Reshape", [node("Reshape", "x s")], {"x": x(2, 3, 4)}, {"s": ints(4, -1)})
    yield Case("Flatten", [node("Flatten", "x", axis=2)], {"x": x(2, 3, 2, 2)})
    yield Case("Flatten all", [node("Flatten", "x", axis=0)], {"x": x(2, 3)})
    yield Case("Squeeze attribute", [node("Squeeze", "x", axes=[2])], {"x": x(2, 3, 1)}, opset=11)
    yield Case("Squeeze input", [node("Squeeze", "x a")], {"x": x(2, 1, 3, 1)}, {"a": ints(1, -1)})
    yield Case("Unsqueeze attribute", [node("Unsqueeze", "x", axes=[0, 3])], {"x": x(2, 3)}, opset=11)
    yield Case("Unsqueeze input", [node("Unsqueeze", "x a")], {"x": x(2, 3)}, {"a": ints(1)})
    yield Case("Transpose", [node("Transpose", "x", perm=[2, 0, 1])], {"x": x(2, 3, 4)})
    yield Case("Transpose default", [node("Transpose", "x")], {"x": x(2, 3, 4)})
    yield Case("Expand", [node("Expand", "x s")], {"x": x(3, 1)}, {"s": ints(2, 3, 4)})
    yield Case("Tile", [node("Tile", "x r")], {"x": x(2, 3)}, {"r": ints(2, 3)})
    for upper in (0, 1):
        yield Case(f"Trilu {upper}", [node("Trilu", "x k", upper=upper)], {"x": x(2, 4, 3)}, {"k": np.array(1, np.int64)})
    yield Case("Lazy gradient through Flatten", [node("GlobalAveragePool", "x", "p"), node("Flatten", "p")], {"x": x(2, 3, 2, 2)})
    yield Case("Lazy gradient through Reshape", [node("Reshape", "x s", "r"), node("ReduceMean", "r", axes=[2], keepdims=0)],
               {"x": x(2, 3, 2, 2)}, {"s": ints(2, 3, 4)})
    yield Case("Lazy gradient through a Reshape that mixes axes", [node("Reshape", "x s", "r"), node("ReduceMean", "r", axes=[2], keepdims=0)],
               {"x": x(2, 3, 2, 2)}, {"s": ints(2, 2, 6)})
    yield Case("Lazy gradient through Conv", [node("Conv", "x w", "c"), node("GlobalAveragePool", "c")], {"x": x(2, 3, 3, 3)}, {"w": x(4, 3, 1, 1)})
    yield Case("Lazy gradient through a wide Conv", [node("Conv", "x w", "c", pads=[1, 1, 1, 1]), node("GlobalAveragePool", "c")],
               {"x": x(2, 3, 3, 3)}, {"w": x(4, 3, 3, 3)})


def slices(rng):
    x = lambda *dims: rng.standard_normal(list(dims))
    ints = lambda *values: np.array(values, np.int64)
    yield Case("Concat", [node("Concat", "a b c", axis=1)], {"a": x(2, 1, 2), "b": x(2, 2, 2), "c": x(2, 3, 2)})
    yield Case("Concat with one input off the path", [node("Concat", "a b c", axis=-1)], {"a": x(2, 1), "c": x(2, 2)}, {"b": x(2, 2)})
    yield Case("Concat before global pooling", [node("Concat", "a b", "c", axis=1), node("GlobalAveragePool", "c")], {"a": x(2, 1, 2, 2), "b": x(2, 2, 2, 2)})
    yield Case("Concat of one tensor twice", [node("Concat", "a a", axis=1)], {"a": x(2, 2)})
    yield Case("Split attribute", [node("Split", "x", "a b c", axis=1, split=[1, 2, 1]), node("Mul", "a c", "p"), node("ReduceMax", "b", "m", axes=[1], keepdims=1), node("Add", "p m")],
               {"x": x(2, 4)}, opset=11)
    yield Case("Split input", [node("Split", "x s", "a b", axis=-1), node("Mul", "a b")], {"x": x(2, 4)}, {"s": ints(2, 2)})
    yield Case("Split with one output unused", [node("Split", "x s", "a b c", axis=1), node("Sin", "b")], {"x": x(2, 6)}, {"s": ints(2, 3, 1)})
    yield Case("Split in equal parts", [node("Split", "x", "a b", axis=1, num_outputs=2), node("Mul", "a b")], {"x": x(2, 4)}, opset=18)
    yield Case("Slice attributes", [node("Slice", "x", starts=[1, 0], ends=[3, 2], axes=[0, 2])], {"x": x(4, 2, 3)}, opset=9)
    yield Case("Slice one axis", [node("Slice", "x s e a")], {"x": x(3, 5)}, {"s": ints(1), "e": ints(-1), "a": ints(1)})
    yield Case("Slice steps", [node("Slice", "x s e a t")], {"x": x(7, 5)}, {"s": ints(1, 0), "e": ints(1000, 5), "a": ints(0, 1), "t": ints(2, 3)})
    yield Case("Slice backwards", [node("Slice", "x s e a t")], {"x": x(5, 3)}, {"s": ints(-1), "e": ints(-1000), "a": ints(0), "t": ints(-2)})
    yield Case("Slice of nothing", [node("Slice", "x s e a")], {"x": x(3, 5)}, {"s": ints(0), "e": ints(1000), "a": ints(1)})
    yield Case("Disjoint slices", [node("Slice", "x s0 e0 a", "p"), node("Slice", "x s1 e1 a", "q"), node("Mul", "p q")], {"x": x(2, 7)},
               {"s0": ints(1), "e0": ints(3), "s1": ints(4), "e1": ints(6), "a": ints(1)})
    yield Case("Overlapping slices", [node("Slice", "x s0 e0 a", "p"), node("Slice", "x s1 e1 a", "q"), node("Mul", "p q")], {"x": x(2, 7)},
               {"s0": ints(1), "e0": ints(4), "s1": ints(2), "e1": ints(5), "a": ints(1)})
    yield Case("Slices before global pooling", [node("Slice", "x s0 e0 a", "p"), node("GlobalAveragePool", "p", "u"), node("Slice", "x s1 e1 a", "q"), node("GlobalAveragePool", "q", "v"), node("Mul", "u v")],
               {"x": x(2, 4, 2, 3)}, {"s0": ints(0), "e0": ints(2), "s1": ints(2), "e1": ints(4), "a": ints(1)})
    for name, indices in (("scalar", np.array(1, np.int64)), ("negative scalar", np.array(-1, np.int64)), ("range", ints(1, 2)), ("shuffled", ints(2, 0)),
                          ("repeated", ints(0, 2, 0)), ("matrix", np.array([[0, 1], [2, 2]], np.int64))):
        for axis in (0, 1):
            yield Case(f"Gather {name} axis {axis}", [node("Gather", "x i", axis=axis)], {"x": x(3, 3, 2)}, {"i": indices}, opset=pick(rng, 11, 17))
    yield Case("Gather from two places", [node("Gather", "x i", "a", axis=1), node("Gather", "x j", "b", axis=1), node("Mul", "a b")],
               {"x": x(2, 3)}, {"i": np.array(0, np.int64), "j": np.array(2, np.int64)})
    yield Case("Channel shuffle", [node("Reshape", "x s", "r"), node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]), node("Reshape", "t q")],
               {"x": x(1, 4, 2, 2)}, {"s": ints(1, 2, 2, 2, 2), "q": ints(1, 4, 2, 2)})


def padding(rng):
    ints = lambda *values: np.array(values, np.int64)
    for mode in ("constant", "reflect", "edge"):
        for opset in (10, 13, 18):
            if opset == 10:
                yield Case(f"Pad {mode} opset {opset}", [node("Pad", "x", pads=[0, 1, 2, 0, 0, 2], mode=mode)], {"x": rng.standard_normal([2, 3, 4])}, opset=opset)
            else:
                yield Case(f"Pad {mode} opset {opset}", [node("Pad", "x p", mode=mode)], {"x": rng.standard_normal([2, 3, 4])}, {"p": ints(0, 1, 2, 0, 0, 2)}, opset=opset)
    yield Case("Pad some axes", [node("Pad", ["x", "p", "", "a"])], {"x": rng.standard_normal([2, 3, 4])}, {"p": ints(1, 2), "a": ints(-1)}, opset=18)
    yield Case("Pad crops", [node("Pad", "x p")], {"x": rng.standard_normal([2, 3, 4])}, {"p": ints(0, -1, 1, 0, 0, -2)})
    yield Case("Pad wraps", [node("Pad", "x p", mode="wrap")], {"x": rng.standard_normal([2, 3, 4])}, {"p": ints(0, 1, 2, 0, 0, 3)}, opset=19)
    yield Case("Pad before global pooling", [node("Pad", "x p", "q", mode="reflect"), node("GlobalAveragePool", "q")],
               {"x": rng.standard_normal([1, 2, 3, 3])}, {"p": ints(0, 0, 1, 1, 0, 0, 1, 1)})


def resizing(rng):
    floats = lambda *values: np.array(values, np.float32)
    ints = lambda *values: np.array(values, np.int64)
    empty = np.array([], np.float32)
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
            scales = pick(rng, (2, 2), (2, 3), (1.5, 2), (0.5, 0.75))
            if mode == "cubic" and coordinates == "asymmetric":
                continue
            opset = pick(rng, 11, 13, 18)
            yield Case(f"Resize {mode} {coordinates} by {scales} opset {opset}",
                       [node("Resize", "x r s", mode=mode, coordinate_transformation_mode=coordinates)], {"x": rng.standard_normal([1, 2, 4, 4])},
                       {"r": empty, "s": floats(1, 1, *scales)}, opset=opset)
    for mode in ("nearest", "linear"):
        yield Case(f"Resize {mode} to sizes", [node("Resize", ["x", "", "", "z"], mode=mode)], {"x": rng.standard_normal([2, 2, 3, 4])}, {"z": ints(2, 2, 7, 5)})
    for rounding in ("floor", "ceil", "round_prefer_ceil"):
        yield Case(f"Resize nearest {rounding}", [node("Resize", "x r s", mode="nearest", nearest_mode=rounding, coordinate_transformation_mode="asymmetric")],
                   {"x": rng.standard_normal([1, 1, 3, 4])}, {"r": empty, "s": floats(1, 1, 2, 2)})
    yield Case("Resize some axes", [node("Resize", ["x", "", "s"], mode="linear", axes=[2, 3])], {"x": rng.standard_normal([1, 2, 3, 4])}, {"s": floats(2, 1.5)}, opset=18)
    yield Case("Upsample opset 7", [node("Upsample", "x", mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])], {"x": rng.standard_normal([1, 2, 3, 2])}, opset=8)
    yield Case("Upsample opset 9", [node("Upsample", "x s", mode="nearest")], {"x": rng.standard_normal([1, 2, 3, 2])}, {"s": floats(1, 1, 2, 2)}, opset=9)
    yield Case("Resize opset 10", [node("Resize", "x s", mode="nearest")], {"x": rng.standard_normal([1, 2, 3, 2])}, {"s": floats(1, 1, 2, 2)}, opset=10)
    yield Case("Resize before global pooling", [node("Resize", ["x", "", "s"], "r", mode="linear"), node("GlobalAveragePool", "r")],
               {"x": rng.standard_normal([1, 2, 3, 4])}, {"s": floats(1, 1, 2, 1.5)})


def scatter(rng):
    ints = lambda rows: np.array(rows, np.int64)
    yield Case("GatherElements", [node("GatherElements", "x i", axis=1)], {"x": rng.standard_normal([2, 4])}, {"i": ints([[0, 3, 3], [1, 1, 2]])})
    yield Case("GatherND", [node("GatherND", "x i")], {"x": rng.standard_normal([3, 4, 2])}, {"i": ints([[0, 3], [2, 1], [0, 3]])})
    for reduction in ("none", "add"):
        yield Case(f"ScatterElements {reduction}", [node("ScatterElements", "x i u", axis=1, reduction=reduction)],
                   {"x": rng.standard_normal([2, 4]), "u": rng.standard_normal([2, 2])}, {"i": ints([[0, 3], [2, 1]])})
        yield Case(f"ScatterND {reduction}", [node("ScatterND", "x i u", reduction=reduction)],
                   {"x": rng.standard_normal([3, 4]), "u": rng.standard_normal([2, 4])}, {"i": ints([[2], [0]])})
    yield Case("Gather by indices that are computed", [node("Cast", "f", "i", to=7), node("Gather", "x i")], {"x": rng.standard_normal([4, 3])},
               {"f": np.array([0, 3, 0], np.float32)})


def rearranging(rng):
    for mode in ("DCR", "CRD"):
        yield Case(f"DepthToSpace {mode}", [node("DepthToSpace", "x", blocksize=2, mode=mode)], {"x": rng.standard_normal([2, 8, 2, 3])})
    yield Case("SpaceToDepth", [node("SpaceToDepth", "x", blocksize=2)], {"x": rng.standard_normal([2, 2, 4, 6])})
    equations = [("bij,bjk->bik", [2, 3, 4], [2, 4, 2]), ("ij,kj->ik", [3, 4], [2, 4]), ("bhwc,hkc->bhwk", [2, 2, 3, 4], [2, 5, 4]), ("ij,jk->k", [3, 4], [4, 2]),
                 ("i,j->ij", [3], [4])]
    for equation, a, b in equations:
        yield Case(f"Einsum {equation}", [node("Einsum", "a b", equation=equation)], {"a": rng.standard_normal(a), "b": rng.standard_normal(b)})
    yield Case("Einsum of one operand", [node("Einsum", "a", equation="ijk->kj")], {"a": rng.standard_normal([2, 3, 4])})


def composite(rng):
    x = lambda: {"x": rng.standard_normal([2, 3, 4])}
    yield Case("SiLU", [node("Sigmoid", "x", "s"), node("Mul", "x s")], x())
    yield Case("SiLU, gate first", [node("Sigmoid", "x", "s"), node("Mul", "s x")], x())
    yield Case("A gate that something else reads", [node("Sigmoid", "x", "s"), node("Mul", "x s", "z"), node("Add", "z s")], x())
    yield Case("A gate of another tensor", [node("Sigmoid", "w", "s"), node("Mul", "x s")], {**x(), "w": rng.standard_normal([2, 3, 4])})
    constants = {"r": np.float32(np.sqrt(2)), "q": np.float32(np.sqrt(0.5)), "one": np.float32(1), "half": np.float32(0.5)}
    gate = [node("Div", "x r", "u"), node("Erf", "u", "e"), node("Add", "e one", "p")]
    only = lambda *names: {name: constants[name] for name in names}
    yield Case("GELU (x p) half", [*gate, node("Mul", "x p", "m"), node("Mul", "m half")], x(), only("r", "one", "half"))
    yield Case("GELU (x half) p", [*gate, node("Mul", "x half", "m"), node("Mul", "m p")], x(), only("r", "one", "half"))
    yield Case("GELU x (p half)", [node("Mul", "q x", "u"), node("Erf", "u", "e"), node("Add", "one e", "p"), node("Mul", "half p", "m"), node("Mul", "x m")], x(),
               only("q", "one", "half"))
    yield Case("Almost GELU", [*gate, node("Mul", "x p", "m"), node("Mul", "m r")], x(), only("r", "one"))
    yield Case("Squeeze and excitation", [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]), node("GlobalAveragePool", "c", "p"), node("Conv", "p u", "q"), node("Relu", "q", "r"),
        node("Conv", "r v", "t"), node("HardSigmoid", "t", "h"), node("Mul", "c h")],
        {"x": rng.standard_normal([2, 2, 3, 3])}, {"w": rng.standard_normal([3, 2, 3, 3]), "u": rng.standard_normal([2, 3, 1, 1]), "v": rng.standard_normal([3, 2, 1, 1]) * 0.3})
    yield Case("Residual block", [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"), node("Conv", "r v", "d", pads=[1, 1, 1, 1]), node("Add", "d x", "a"), node("Tanh", "a", "t"),
        node("GlobalAveragePool", "t", "p"), node("Flatten", "p", "f"), node("Gemm", "f k", transB=1)],
        {"x": rng.standard_normal([2, 2, 3, 3])}, {"w": rng.standard_normal([3, 2, 3, 3]), "v": rng.standard_normal([2, 3, 3, 3]), "k": rng.standard_normal([4, 2])})


def second(rng):
    """Second derivatives: each operator between two smooth ones, so that its gradient depends on its input."""
    ints = lambda *values: np.array(values, np.int64)
    image = lambda channels=2, size=5: rng.standard_normal([1, channels, size, size])
    bodies = {
        "Conv": ([node("Conv", "t w", "o", pads=[1, 1, 1, 1])], image(), {"w": rng.standard_normal([3, 2, 3, 3])}),
        "Conv with stride": ([node("Conv", "t w", "o", strides=[2, 2], pads=[1, 1, 1, 1])], image(), {"w": rng.standard_normal([3, 2, 3, 3])}),
        "depthwise Conv with stride": ([node("Conv", "t w", "o", strides=[2, 2], pads=[1, 1, 1, 1], group=3)], image(3), {"w": rng.standard_normal([3, 1, 3, 3])}),
        "ConvTranspose": ([node("ConvTranspose", "t w", "o", strides=[2, 2])], image(2, 3), {"w": rng.standard_normal([2, 3, 3, 3])}),
        "tiled MaxPool": ([node("MaxPool", "t", "o", kernel_shape=[2, 2], strides=[2, 2])], image(2, 4), {}),
        "stride one MaxPool": ([node("MaxPool", "t", "o", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], image(2, 4), {}),
        "overlapping MaxPool": ([node("MaxPool", "t", "o", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], image(2, 6), {}),
        "AveragePool": ([node("AveragePool", "t", "o", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], image(2, 6), {}),
        "tiled AveragePool": ([node("AveragePool", "t", "o", kernel_shape=[2, 2], strides=[2, 2])], image(2, 4), {}),
        "GlobalAveragePool": ([node("GlobalAveragePool", "t", "o")], image(), {}),
        "BatchNormalization": ([node("BatchNormalization", "t s b m v", "o")], image(),
                               {"s": rng.standard_normal(2), "b": rng.standard_normal(2), "m": rng.standard_normal(2), "v": rng.random(2) + 0.5}),
        "LayerNormalization": ([node("LayerNormalization", "t s", "o", epsilon=1e-2)], rng.standard_normal([3, 5]), {"s": rng.standard_normal(5)}),
        "GroupNormalization": ([node("GroupNormalization", "t s b", "o", num_groups=2, epsilon=1e-2)], image(4, 2), {"s": rng.standard_normal(4), "b": rng.standard_normal(4)}),
        "Softmax": ([node("Softmax", "t", "o", axis=-1)], rng.standard_normal([3, 4]), {}),
        "LogSoftmax": ([node("LogSoftmax", "t", "o", axis=-1)], rng.standard_normal([3, 4]), {}),
        "LRN": ([node("LRN", "t", "o", size=3, alpha=0.1)], image(4, 2), {}),
        "Resize": ([node("Resize", ["t", "", "s"], "o", mode="linear")], image(2, 3), {"s": np.array([1, 1, 2, 1.5], np.float32)}),
        "nearest Resize": ([node("Resize", ["t", "", "s"], "o", mode="nearest")], image(2, 3), {"s": np.array([1, 1, 2, 2], np.float32)}),
        "Pad": ([node("Pad", "t p", "o")], image(2, 3), {"p": ints(0, 0, 1, 1, 0, 0, 2, 0)}),
        "Split and Concat": ([node("Split", "t s", "a b", axis=1), node("Mul", "a b", "c"), node("Concat", "c b", "o", axis=1)], image(4, 2), {"s": ints(2, 2)}),
        "Slice": ([node("Slice", "t s e a", "o")], image(4, 2), {"s": ints(1), "e": ints(3), "a": ints(1)}),
        "Gather": ([node("Gather", "t i", "o", axis=1)], image(4, 2), {"i": ints(0, 2, 0)}),
        "GatherElements": ([node("GatherElements", "t i", "o", axis=1)], rng.standard_normal([2, 4]), {"i": np.array([[0, 3, 3], [1, 1, 2]], np.int64)}),
        "MatMul": ([node("Transpose", "t", "u", perm=[0, 2, 1]), node("MatMul", "t u", "o")], rng.standard_normal([2, 3, 4]), {}),
        "Gemm": ([node("Gemm", "t w", "o", transB=1)], rng.standard_normal([2, 3]), {"w": rng.standard_normal([4, 3])}),
        "Einsum": ([node("Einsum", "t t", "o", equation="ij,kj->ik")], rng.standard_normal([2, 3]), {}),
        "Reduce": ([node("ReduceMean", "t", "m", axes=[1], keepdims=1), node("Sub", "t m", "d"), node("ReduceSumSquare", "d", "v", axes=[1], keepdims=1), node("Div", "d v", "o")],
                   rng.standard_normal([2, 5]), {}),
        "ReduceL2": ([node("ReduceL2", "t", "n", axes=[1], keepdims=1), node("Div", "t n", "o")], rng.standard_normal([2, 3]), {}),
        "SiLU": ([node("Sigmoid", "t", "s"), node("Mul", "t s", "o")], rng.standard_normal([2, 5]), {}),
        "HardSwish": ([node("HardSwish", "t", "o")], rng.standard_normal([2, 5]), {}),
        "Clip": ([node("Clip", "t l h", "o")], away_from(rng, [2, 5], 0.2, -0.2), {"l": np.float32(-0.19737533), "h": np.float32(0.19737533)}),
        "Relu": ([node("Relu", "t", "o")], away_from(rng, [2, 5], 0), {}),
        "Pow": ([node("Exp", "t", "e"), node("Pow", "e p", "o")], rng.standard_normal([2, 5]), {"p": np.float32(1.7)}),
        "Gelu": ([node("Gelu", "t", "o")], rng.standard_normal([2, 5]), {}),
    }
    for name, (body, x, constants) in bodies.items():
        yield Case(f"{name}, twice", [node("Tanh", "x", "t"), *body, node("Sigmoid", "o")], {"x": x}, constants, second=True, opset=21 if name in ("Gelu", "GroupNormalization") else 17)


def blocked(rng):
    """Activations of convolutions with whole blocks of 16 channels, whose gradients are depthwise convolutions."""
    channels = 16
    weight, bias = rng.standard_normal([channels, 2, 1, 1]), rng.standard_normal(channels)

    def case(name, nodes, torch_function, constants=None, **options):
        constants = {"w": weight, "b": bias, **(constants or {})}
        convolved = lambda t, x: t.nn.functional.conv2d(x, t.tensor(constants["w"], dtype=t.float64), t.tensor(constants["b"], dtype=t.float64))
        constants = {key: np.asarray(value, np.float32) for key, value in constants.items()}
        return Case(f"Conv, {name}", [node("Conv", "x w b", "a", kernel_shape=[1, 1]), *nodes], {"x": rng.standard_normal([2, 2, 3, 2]) * 2}, constants,
                    torch=lambda t, x: torch_function(t, convolved(t, x)), **options)

    norm = {key: np.abs(rng.standard_normal(channels)) + 0.5 for key in ("scale", "variance")}
    norm |= {key: rng.standard_normal(channels) for key in ("shift", "mean")}
    yield case("Relu", [node("Relu", "a")], lambda t, a: t.relu(a), opset=11)
    yield case("Clip", [node("Clip", "a low high")], lambda t, a: t.nn.functional.relu6(a), {"low": 0.0, "high": 6.0})
    yield case("Clip", [node("Clip", "a low high")], lambda t, a: t.clamp(a, -1, 2), {"low": -1.0, "high": 2.0})
    yield case("Sigmoid", [node("Sigmoid", "a")], lambda t, a: t.sigmoid(a), second=True)
    yield case("Tanh", [node("Tanh", "a")], lambda t, a: t.tanh(a))
    yield case("SiLU", [node("Sigmoid", "a", "s"), node("Mul", "a s")], lambda t, a: t.nn.functional.silu(a), second=True)
    yield case("HardSigmoid", [node("HardSigmoid", "a", alpha=1 / 6, beta=0.5)], lambda t, a: t.nn.functional.hardsigmoid(a))
    yield case("HardSwish", [node("HardSwish", "a")], lambda t, a: t.nn.functional.hardswish(a))
    yield case("LeakyRelu", [node("LeakyRelu", "a", alpha=0.1)], lambda t, a: t.nn.functional.leaky_relu(a, 0.1))
    yield case("BatchNormalization", [node("BatchNormalization", "a scale shift mean variance", "n"), node("Relu", "n")],
               lambda t, a: t.relu(t.nn.functional.batch_norm(a, *(t.tensor(np.float32(norm[key]), dtype=t.float64) for key in ("mean", "variance", "scale", "shift")))), norm)
    yield case("layer scale", [node("Mul", "a gamma")], lambda t, a: a * t.tensor(np.float32(norm["scale"]), dtype=t.float64).reshape(-1, 1, 1),
               {"gamma": norm["scale"].reshape(-1, 1, 1)})
    yield case("AveragePool", [node("Relu", "a", "r"), node("AveragePool", "r", kernel_shape=[2, 2], strides=[1, 1])],
               lambda t, a: t.nn.functional.avg_pool2d(t.relu(a), 2, 1))
    # Integers, also negative ones, so that ties are common.
    mirror = np.kron(np.eye(channels // 2), [[1.0, 0.0], [0.0, -1.0]]).reshape(channels, channels, 1, 1)
    for kernel, strides, pads, ceil, size in (
        ([3, 3], [2, 2], [1, 1, 1, 1], False, [8, 7]), ([3, 3], [2, 2], [0, 0, 0, 0], True, [8, 6]), ([3, 3], [2, 2], [0, 0, 0, 0], False, [7, 9]),
        ([3, 3], [1, 1], [1, 1, 1, 1], False, [5, 6]), ([3, 3], [1, 1], [0, 0, 0, 0], False, [5, 4]), ([2, 2], [1, 1], [0, 0, 0, 0], False, [4, 5]),
        ([2, 2], [1, 1], [1, 1, 0, 0], False, [4, 5]), ([3, 2], [1, 2], [1, 0, 1, 0], False, [4, 6]), ([1, 3], [1, 2], [0, 1, 0, 1], False, [3, 8]),
        ([3, 3], [2, 2], [0, 0, 0, 0], False, [8, 8]), ([3, 3], [2, 2], [0, 1, 1, 0], False, [6, 6])):
        attributes = dict(kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=int(ceil))
        yield Case(f"Conv, MaxPool {attributes} on {size}", [node("Conv", "x w", "a", kernel_shape=[1, 1]), node("MaxPool", "a", **attributes)],
                   {"x": rng.integers(-2, 3, [1, channels, *size]).astype(float)}, {"w": mirror},
                   torch=lambda t, x, make=torch_max_pool(kernel, strides, pads, [1, 1], ceil): make(t, t.nn.functional.conv2d(x, t.tensor(mirror))))


FAMILIES = {
    "conv": conv,
    "conv-transpose": conv_transpose,
    "matmul": matmul,
    "arithmetic": arithmetic,
    "unary": unary,
    "activation": activation,
    "softmax": softmax,
    "normalization": normalization,
    "reduce": reduce,
    "pool-average": pool_average,
    "pool-max": pool_max,
    "shape": shape,
    "slice": slices,
    "pad": padding,
    "resize": resizing,
    "scatter": scatter,
    "rearrange": rearranging,
    "composite": composite,
    "second": second,
    "blocked": blocked,
    **autodiff_families_recurrent.FAMILIES,
    **autodiff_families_choosing.FAMILIES,
    **autodiff_families_sampling.FAMILIES,
}
