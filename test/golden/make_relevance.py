"""Makes test/golden/relevance: Relevance-CAM and LIFT-CAM from software that is not ours.

maps.json     Relevance-CAM's raw maps on graphs of test/golden/graphs (seeded weights) and on the bundled network with its
              real weights: the rules of the authors' modules/layers.py, redone node by node in float64 PyTorch on the ONNX
              graph (torch_graph.py). Two departures, which the authors' own networks do not show: convolutions leave their
              bias out of the denominator, and of a product of a signal and a gate (x · sigmoid) the signal takes all.
NAME.onnx,
captum.json   Small networks, and what captum gives for them at several layers: LRP (alpha 1, beta 0; where activations are
              not negative and convolutions have no bias, these are the same rules) and DeepLIFT against zeros.

Usage: python test/golden/make_relevance.py [captum] [maps]
"""
import gzip
import json
import sys

from make_graphs import ACTIVATIONS, OUT as GRAPHS, ROOT, fill  # noqa: I001  (loads torchvision's stand-in first)

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from captum.attr import LRP, DeepLift
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import nn
from torch_graph import OPERATORS, attributes, run
from weights import positions, uniform

OUT = GRAPHS.parent / "relevance"
LABELS = ["resnet18-legacy-17", "vgg16-legacy-11", "densenet121-legacy-11", "mobilenet_v2-dynamo-20",
          "efficientnet_b0-dynamo-18", "googlenet-legacy-17"]
BUNDLED = "efficientnet-lite0"
SAMPLES = 100


# --- the authors' rules ----------------------------------------------------------------------------------------------

def safe_divide(a, b):
    return a / (b + b.eq(0).type(b.type()) * 1e-9) * b.ne(0).type(b.type())


def leaf(x):
    return x.detach().clone().requires_grad_(True)


def gradprop(z, x, s):
    return torch.autograd.grad(z, x, s)[0]


def weighted(operator, a, x, w, r):
    px, nx = leaf(x.clamp(min=0)), leaf(x.clamp(max=0))
    z1, z2 = operator(a, px, w.clamp(min=0)), operator(a, nx, w.clamp(max=0))
    s = safe_divide(r, (z1 + z2).detach())
    return px.detach() * gradprop(z1, px, s) + nx.detach() * gradprop(z2, nx, s)


def simple(operator, inputs, r):
    xs = [leaf(x) for x in inputs]
    z = operator(*xs)
    s = safe_divide(r, z.detach())
    return [x.detach() * c for x, c in zip(xs, torch.autograd.grad(z, xs, s))]


def relprop(node, a, inputs, r, varies, gate):
    """Relevance of every input, None for those that take none."""
    op, operator = node.op_type, OPERATORS[node.op_type]
    x = inputs[0]
    rest = [None] * (len(inputs) - 1)
    if op in ("Conv", "Gemm", "MatMul"):
        return [weighted(operator, a, x, inputs[1], r), *rest]
    if op in ("Relu", "Clip", "HardSwish", "Identity", "Dropout", "Sigmoid", "HardSigmoid"):
        return [r, *rest]
    if op == "BatchNormalization":
        _, gain, _, _, variance = inputs
        shape = [1, -1, *[1] * (x.dim() - 2)]
        weight = (gain / (variance.pow(2) + a.get("epsilon", 1e-5)).pow(0.5)).reshape(shape)
        return [x * weight * r / (x * weight + 1e-9), *rest]
    if op == "Add" and all(varies) or op in ("Concat", "MaxPool", "AveragePool"):
        return simple(lambda *xs: operator(a, *xs), inputs, r)
    if op in ("GlobalAveragePool", "ReduceMean"):
        px = leaf(x.clamp(min=0))
        z = operator(a, px, *inputs[1:])
        return [px.detach() * gradprop(z, px, safe_divide(r, z.detach())), *rest]
    if op == "Mul" and all(varies):
        return [None if name == gate else r for name in node.input]
    if op in ("Mul", "Add", "Sub", "Div"):
        return [r.sum_to_size(value.shape) if v else None for value, v in zip(inputs, varies)]
    if op in ("Flatten", "Reshape", "Transpose", "Slice", "Squeeze", "Unsqueeze", "Pad"):
        leaf_x = leaf(x)
        return [gradprop(operator(a, leaf_x, *inputs[1:]), leaf_x, r), *rest]
    raise NotImplementedError(op)


def relevance(model, x, targets, tensors):
    """Relevance of the tensors, and their values, in float64."""
    values = run(model, {model.graph.input[0].name: x.double()}, torch.float64)
    logits = values[model.graph.output[0].name]
    r = torch.full_like(logits, -1 / logits.shape[1])
    r[torch.arange(len(targets)), targets] = 1
    varying = {tensors[0]}
    producers = {}
    for node in model.graph.node:
        producers[node.output[0]] = node
        if node.op_type != "Shape" and varying.intersection(node.input):
            varying.update(node.output)
    relevances = {model.graph.output[0].name: r}
    for node in reversed(model.graph.node):
        total = relevances.get(node.output[0])
        if total is None or not varying.intersection(node.input):
            continue
        inputs = [values[name] if name else None for name in node.input]
        varies = [name in varying for name in node.input]
        gates = [name for name in node.input if name in producers and producers[name].op_type in ("Sigmoid", "HardSigmoid")]
        for name, part in zip(node.input, relprop(node, attributes(node), inputs, total, varies, (gates or [None])[0])):
            if part is not None and name in varying:
                relevances[name] = relevances[name] + part if name in relevances else part
    return {name: (relevances[name], values[name]) for name in tensors}


def layers_of(model, values):
    """Activations that every path to the logits goes through: an early one, one in the middle, the last."""
    nodes = [n for n in model.graph.node if n.op_type not in ("Constant", "Shape")]
    first, end = model.graph.input[0].name, model.graph.output[0].name

    def dominates(tensor):
        reached = {first}
        for node in nodes:
            if reached.intersection(node.input) and tensor not in node.output:
                reached.update(node.output)
        return end not in reached

    found = [n.output[0] for n in nodes if n.op_type in ACTIVATIONS and values[n.output[0]].dim() == 4
             and min(values[n.output[0]].shape[2:]) > 1 and dominates(n.output[0])]
    return [found[len(found) // 6], found[len(found) // 2], found[-1]]


def load_graph(label):
    if label == BUNDLED:
        model = onnx.load(ROOT / "assets" / "efficientnet-lite0.onnx")
        return model, {"input": {"dims": [1, 3, 224, 224], "seed": 7, "scale": 2.0}, "targets": [281]}
    record = json.loads((GRAPHS / f"{label}.json").read_text())
    model = onnx.load_from_string(gzip.decompress((GRAPHS / f"{label}.onnx.gz").read_bytes()))
    fill(model, [{"name": name, "scale": scale, "offset": offset, "seed": index + 1}
                 for index, (name, scale, offset) in enumerate(record["weights"])])
    return model, record


def rounded(values):
    return [float(f"{v:.7g}") for v in values]


def official(label):
    model, record = load_graph(label)
    dims = record["input"]["dims"]
    x = torch.from_numpy(uniform(record["input"]["seed"], int(np.prod(dims)), record["input"]["scale"]).reshape(dims))
    tensors = layers_of(model, run(model, {model.graph.input[0].name: x}))
    layers = []
    for name, (r, activations) in relevance(model, x, record["targets"], tensors).items():
        raw = (r.mean((2, 3), keepdim=True) * activations).sum(1)
        flat = raw.flatten()
        layers.append({"tensor": name, "dims": list(raw.shape), "relevance": rounded(r.sum((1, 2, 3)).tolist()),
                       "values": rounded(flat[positions(flat.numel(), SAMPLES)].tolist()),
                       "max": float(f"{flat.abs().max():.8g}")})
        print(label, name, list(raw.shape), "total", layers[-1]["relevance"], flush=True)
    return {"graph": label, "input": record["input"], "targets": record["targets"], "layers": layers}


# --- captum ----------------------------------------------------------------------------------------------------------

class Addition(nn.Module):
    """What captum's LRP needs of a sum: a module of its own."""

    def forward(self, x, y):
        return x + y


class Residual(nn.Module):
    def __init__(self, channels, middle=None):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.act1 = nn.ReLU() if middle is None else middle()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.add = Addition()
        self.act2 = nn.ReLU()

    def forward(self, x):
        return self.act2(self.add(self.conv2(self.act1(self.conv1(x))), x))


class Gate(nn.Module):
    """Squeeze and excitation without the product, whose DeepLIFT rule is ours: y = x + s."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)
        self.act = nn.Sigmoid()

    def forward(self, x):
        return x + self.act(self.fc(x.mean((2, 3), keepdim=True)))


def networks():
    """Each with the indices of the modules whose results are explained, and whether captum's LRP rules are the same."""
    torch.manual_seed(5)
    plain = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1, bias=False),
        nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=2, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(32, 10), nn.ReLU(), nn.Dropout(), nn.Linear(10, 4))
    residual = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.ReLU(), Residual(6), nn.MaxPool2d(2), Residual(6),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    smooth = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ELU(), Residual(6, nn.Tanh), Gate(6), nn.MaxPool2d(2),
        nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.LeakyReLU(0.1), Residual(6, nn.Softplus),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 4))
    for module in smooth.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
    return {"plain": (plain, [1, 2, 4, 7], True), "residual": (residual, [1, 2, 3, 4], True),
            "smooth": (smooth, [1, 2, 4, 7, 8], False)}


def set_rules(network):
    """captum takes them away after each attribution."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.rule = Alpha1_Beta0_Rule(set_bias_to_zero=True)
        elif isinstance(module, (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Flatten, Addition)):
            module.rule = EpsilonRule()


def captum_relevance(tail, activations, target, classes):
    """Relevance is linear in what it starts from: captum starts from one logit, we combine the classes' contrastively."""
    logits = tail(activations)
    total = torch.zeros_like(activations)
    for k in range(classes):
        set_rules(tail)
        part = LRP(tail).attribute(activations.detach().clone(), target=k) / logits[0, k]
        total += part * (1 if k == target else -1 / classes)
    return total.detach()


def captum_cases():
    cases = []
    x = torch.from_numpy(uniform(3, 3 * 16 * 16, 2.0).reshape(1, 3, 16, 16))
    for name, (model, indices, same) in networks().items():
        model.eval()
        tensors = export(model, x, OUT / f"{name}.onnx", indices)
        for index in indices:
            body, tail = model[:index + 1], model[index + 1:]
            activations = body(x).detach()
            for target in range(2):
                def add(method, weights):
                    raw = (weights[:, :, None, None] * activations).sum(1)[0]
                    cases.append({"model": name, "layer": tensors[index], "method": method, "target": target,
                                  "dims": list(raw.shape), "raw": rounded(raw.flatten().tolist())})
                zero = torch.zeros_like(activations)
                parts = DeepLift(tail).attribute(activations.clone(), zero, target=target).detach()
                gap = float(parts.sum() - (tail(activations) - tail(zero))[0, target])
                assert abs(gap) < 1e-5, f"captum's contributions miss the difference by {gap}"
                add("lift-cam", parts.sum((2, 3)))
                if same:
                    add("relevance-cam", captum_relevance(tail, activations, target, 4).mean((2, 3)))
    return cases


def export(model, x, path, indices):
    """Writes the ONNX file; the names of the tensors that the modules give, found by their values."""
    torch.onnx.export(model, x, str(path), input_names=["input"], output_names=["logits"], dynamo=False, opset_version=17,
                      dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
    graph = onnx.load(path)
    values = run_all(graph, x)
    with torch.no_grad():
        results = {index: model[:index + 1](x) for index in indices}
    return {index: next(name for name, value in values.items()
                        if value.shape == result.shape and np.allclose(value, result.numpy(), atol=1e-5))
            for index, result in results.items()}


def run_all(model, x):
    import onnxruntime
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    names = [output for node in model.graph.node for output in node.output]
    del exposed.graph.output[:]
    exposed.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(None, {"input": x.numpy()})))


def write(name, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / name).write_text(f"[\n{lines}\n]\n")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or ["captum", "maps"]
    if "captum" in wanted:
        write("captum.json", captum_cases())
    if "maps" in wanted:
        write("maps.json", [official(label) for label in [*LABELS, BUNDLED]])


if __name__ == "__main__":
    main()
