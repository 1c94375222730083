"""Makes test/golden/quantised: a small seeded network, quantised by ONNX Runtime's own tools in three forms, and raw
maps by PyTorch's autograd for each.

The reference evaluates the quantised file node by node in PyTorch (scores equal ONNX Runtime's to 1e-8). Rounding to whole numbers has the derivative of the
identity, except where the result lies at an end of the range: there it is zero, unless the operator before cannot leave the
range (docs/design.md#quantised-graphs) or the result is the score itself.
Usage: python test/golden/make_quantised.py
"""
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from torch import nn

OUT = Path(__file__).resolve().parent / "quantised"
CLASS = 3
SEED = 5
SIZE = 20


class Net(nn.Module):
    """Convolutions with every kind of join and pool that quantisers have an operator for."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.left = nn.Conv2d(8, 6, 1)
        self.right = nn.Conv2d(8, 6, 3, 1, 1)
        self.gate = nn.Conv2d(12, 12, 1)
        self.last = nn.Conv2d(12, 16, 3, 1, 1)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = x + F.relu6(self.depthwise(x))
        x = F.max_pool2d(x, 3, 1, 1)
        x = torch.cat([F.leaky_relu(self.left(x), 0.2), F.relu(self.right(x))], 1)
        x = x * torch.sigmoid(self.gate(x))
        x = F.avg_pool2d(x, 3, 2)
        x = F.relu(self.last(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Round(torch.autograd.Function):
    """(q − zero)·scale with q = round(x/scale) + zero within the range; straight through, 0 at the ends if `masked`."""

    @staticmethod
    def forward(ctx, x, scale, zero, low, high, masked):
        q = torch.clamp(torch.round(x / scale) + zero, low, high)
        ctx.mask = ((q > low) & (q < high)) if masked else torch.ones_like(q, dtype=torch.bool)
        return (q - zero) * scale

    @staticmethod
    def backward(ctx, g):
        return g * ctx.mask, None, None, None, None, None


BOUNDED = {
    "AveragePool", "Clip", "Concat", "Flatten", "GlobalAveragePool", "MaxPool", "Relu", "Reshape", "Sigmoid", "Softmax",
    "Transpose", "ReduceMean",
}


# What makes the tensors that a golden value is kept of.
LAYERS = {"DequantizeLinear", "QLinearConv", "QLinearAdd", "QLinearMul", "QLinearConcat", "QLinearAveragePool", "MaxPool",
          "Relu", "Clip", "AveragePool", "LeakyRelu"}


class Reference:
    """Evaluates a quantised file. Quantised tensors are held as the floats that they stand for."""

    def __init__(self, model):
        self.graph = model.graph
        self.weights = {w.name: torch.tensor(numpy_helper.to_array(w).astype(np.float64)) for w in model.graph.initializer}
        self.ranges = {w.name: (np.iinfo(numpy_helper.to_array(w).dtype)) for w in model.graph.initializer
                       if numpy_helper.to_array(w).dtype.kind in "iu" and numpy_helper.to_array(w).dtype.itemsize == 1}
        self.made_by = {o: n.op_type for n in model.graph.node for o in n.output}
        self.values = {}
        self.numbers = {}

    def quantise(self, x, scale, zero, op, output):
        info = self.ranges[zero]
        masked = op.replace("QLinear", "") not in BOUNDED and not self.makes_score(output)
        return Round.apply(x, self.weights[scale], self.weights[zero], info.min, info.max, masked)

    def makes_score(self, output):
        readers = [node.output[0] for node in self.graph.node if output in node.input]
        return readers == [self.graph.output[0].name]

    def dequantised(self, name, scale, zero, axis=None):
        """A float weight of a quantised one."""
        q, s = self.weights[name], self.weights[scale]
        z = self.weights[zero] if zero else torch.zeros((), dtype=torch.float64)
        shape = [1] * q.dim()
        if axis is not None and s.numel() > 1:
            shape[axis] = -1
            s, z = s.reshape(shape), z.reshape(shape) if z.numel() > 1 else z
        return (q - z) * s

    def bias(self, name, input_scale, weight_scale):
        return self.weights[name] * self.weights[input_scale] * self.weights[weight_scale] if name else None

    def attributes(self, node):
        return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}

    def conv(self, x, w, b, a):
        pads = a.get("pads", [0, 0, 0, 0])
        return F.conv2d(F.pad(x, (pads[1], pads[3], pads[0], pads[2])), w, b, stride=a.get("strides", [1, 1]),
                        groups=a.get("group", 1))

    def apply(self, op, xs, a):
        x = xs[0]
        if op == "Add": return xs[0] + xs[1]
        if op == "Mul": return xs[0] * xs[1]
        if op == "Concat": return torch.cat(xs, a["axis"])
        if op == "Relu": return F.relu(x)
        if op == "Clip": return torch.clamp(x, float(xs[1]), float(xs[2]))
        if op == "LeakyRelu": return F.leaky_relu(x, a["alpha"])
        if op == "Sigmoid": return torch.sigmoid(x)
        if op == "AveragePool": return F.avg_pool2d(x, a["kernel_shape"], a["strides"])
        if op == "GlobalAveragePool": return x.mean((2, 3), keepdim=True)
        if op == "ReduceMean": return x.mean((2, 3), keepdim=bool(a.get("keepdims", 1)))
        if op == "MaxPool":
            p = a["pads"]
            padded = F.pad(x, (p[1], p[3], p[0], p[2]), value=-torch.inf)
            return F.max_pool2d(padded, a["kernel_shape"], a["strides"])
        if op == "Flatten": return torch.flatten(x, 1)
        if op == "Reshape": return x.reshape([int(s) for s in xs[1].tolist()])
        if op == "Conv": return self.conv(x, xs[1], xs[2] if len(xs) > 2 else None, a)
        if op == "MatMul": return x @ xs[1]
        if op == "Gemm":
            w = xs[1].T if a.get("transB") else xs[1]
            return a.get("alpha", 1.0) * x @ w + (xs[2] if len(xs) > 2 else 0)
        raise NotImplementedError(op)

    def run(self, x):
        v = self.values
        v.update(self.weights)
        v[self.graph.input[0].name] = x
        for node in self.graph.node:
            op, i, o, a = node.op_type, list(node.input), node.output[0], self.attributes(node)
            i += [""] * (9 - len(i))
            if op == "Constant":
                v[o] = torch.tensor(numpy_helper.to_array(a["value"]).astype(np.float64))
            elif op == "QuantizeLinear":
                v[o] = self.quantise(v[i[0]], i[1], i[2], self.made_by.get(i[0], ""), o)
            elif op == "DequantizeLinear":
                v[o] = self.dequantised(i[0], i[1], i[2], a.get("axis")) if i[0] in self.weights else v[i[0]]
            elif op == "QLinearConv":
                y = self.conv(v[i[0]], self.dequantised(i[3], i[4], i[5], 0), self.bias(i[8], i[1], i[4]), a)
                v[o] = self.quantise(y, i[6], i[7], op, o)
            elif op == "QGemm":
                axis = 0 if a.get("transB") else 1
                y = self.apply("Gemm", [v[i[0]], self.dequantised(i[3], i[4], i[5], axis), self.bias(i[6], i[1], i[4])], a)
                v[o] = self.quantise(y, i[7], i[8], op, o)
            elif op in ("QLinearAdd", "QLinearMul"):
                v[o] = self.quantise(self.apply(op[7:], [v[i[0]], v[i[3]]], a), i[6], i[7], op, o)
            elif op == "QLinearConcat":
                v[o] = self.quantise(self.apply("Concat", [v[n] for n in node.input[2::3]], a), i[0], i[1], op, o)
            elif op.startswith("QLinear"):
                v[o] = self.quantise(self.apply(op[7:], [v[i[0]]], a), i[3], i[4], op, o)
            elif op == "DynamicQuantizeLinear":
                value = v[i[0]].detach()
                low, high = min(0.0, value.min().item()), max(0.0, value.max().item())
                scale = torch.tensor(np.float64(np.float32((high - low) / 255)))
                zero = torch.clamp(torch.round(-low / scale), 0, 255)
                v[o] = Round.apply(v[i[0]], scale, zero, 0, 255, False)
                v[node.output[1]], v[node.output[2]] = scale, zero
            elif op in ("ConvInteger", "MatMulInteger"):
                # Sums of (whole number − zero) of the weights; their scale follows in a Mul, that of x is divided out.
                w = self.weights[i[1]] - (self.weights[i[3]] if i[3] else 0)
                scale = v[i[0].replace("_quantized", "_scale")]
                v[o] = self.apply(op[:-7], [v[i[0]] / scale, w], a)
            elif op == "Cast":
                v[o] = v[i[0]]
            else:
                v[o] = self.apply(op, [v[n] for n in node.input if n], a)
            if v[o].requires_grad:
                v[o].retain_grad()
        return v[self.graph.output[0].name]


class Calibration(CalibrationDataReader):
    def __init__(self, images):
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"x": image}


def maps(activations, gradient):
    """Raw maps by their formulas: Grad-CAM, HiResCAM, LayerCAM."""
    weights = gradient.mean((2, 3), keepdim=True)
    products = {"grad-cam": weights, "hirescam": gradient, "layer-cam": gradient.clamp(min=0)}
    return {"dims": list(activations.shape[2:])} | {
        method: rounded((factor * activations).sum(1)) for method, factor in products.items()
    }


def rounded(tensor):
    return [float(f"{value:.7g}") for value in tensor.detach().flatten().tolist()]


def main():
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(SEED)
    net = Net().eval()
    generator = np.random.default_rng(SEED)
    images = [generator.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32) for _ in range(16)]
    image = images[0]
    golden = {"class": CLASS, "dims": [1, 3, SIZE, SIZE], "image": rounded(torch.tensor(image)), "models": {}}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        torch.onnx.export(net, (torch.tensor(image),), source, input_names=["x"], output_names=["y"], dynamo=False,
                          opset_version=17, dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
        target = {name: Path(folder) / f"{name}.onnx" for name in ("qdq", "qoperator", "dynamic")}
        # Weights of 7 bits: sums of products of 8 bits overflow on processors without an instruction for them.
        static = dict(per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        for form in (QuantFormat.QDQ, QuantFormat.QOperator):
            quantize_static(source, target[form.name.lower()], Calibration(images), quant_format=form, **static)
        quantize_dynamic(source, target["dynamic"], weight_type=QuantType.QUInt8)
        for name, path in target.items():
            model = onnx.load(path)
            del model.opset_import[:]
            model.opset_import.extend([onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)])
            print(name, sorted({n.op_type for n in model.graph.node}))
            reference = Reference(model)
            scores = reference.run(torch.tensor(image.astype(np.float64)).requires_grad_())
            session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
            theirs = session.run(None, {"x": image})[0]
            print("  scores", np.abs(theirs - scores.detach().numpy()).max(), "of", np.abs(theirs).max())
            scores[0, CLASS].backward()
            kept = {
                o: v for o, v in reference.values.items()
                if v.dim() == 4 and v.shape[2] > 1 and v.grad is not None and reference.made_by.get(o) in LAYERS
            }
            print("  layers", {o: reference.made_by[o] for o in kept})
            golden["models"][name] = {
                "scores": rounded(scores),
                "layers": {o: maps(v, v.grad) for o, v in kept.items()},
            }
            (OUT / f"{name}.onnx.gz").write_bytes(gzip.compress(model.SerializeToString(), mtime=0))
    (OUT / "golden.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
