"""Makes test/golden/methods: what pytorch-grad-cam and torchcam give for the bundled model on the bundled pictures.

The PyTorch model holds the same half-precision weights as the ONNX file (scripts/efficientnet_lite0.py). Inputs are
stored as 8-bit pixels; the model gets (pixel - 127) / 128, which float32 holds exactly, so that no decoding, resizing
or rounding stands between the languages. Usage: python test/golden/make_methods.py
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from cam_libraries import run_pgc, run_torchcam  # noqa: E402
from efficientnet_lite0 import load_pretrained  # noqa: E402

OUT = Path(__file__).resolve().parent / "methods"
MODEL = ROOT / "assets" / "efficientnet-lite0.onnx"
STEP = 8  # maps of the input's size are stored at every eighth row and column, from the first on

# name, pictures, width x height, target classes
INPUTS = {
    "pair": (["cat.png", "coffee.jpg"], (224, 224), [285, 967]),  # Egyptian cat, espresso
    "wide": (["cat.png"], (256, 192), [281]),  # tabby, which is not the first choice
}
LAYERS = {
    "last": "head_act",  # [1280,7,7], before the global pooling
    "middle": "blocks.10.act",  # [672,14,14], after an activation
    "signed": "blocks.10",  # [112,14,14], a sum without activation: negative values
    "early": "blocks.1.act",  # [96,56,56], few channels for the score methods
}
GRADIENT = ["grad-cam", "grad-cam++", "hirescam", "grad-cam-elementwise", "xgrad-cam", "layer-cam", "eigen-grad-cam"]
GRADIENT_FREE = ["eigen-cam", "kpca-cam", "fem", "seg-eigen-cam"]
TC_GRADIENT = ["grad-cam", "grad-cam++", "xgrad-cam", "layer-cam"]
NO_NOISE = {"std": 1e-12, "num_samples": 2}
PARAMS = {"std": "sigma", "num_samples": "n", "eigen_smooth": "eigenSmooth"}


def cases():
    """(input, layers, library, method, options)"""
    for name in ("pair", "wide"):
        for layer in ("last", "middle", "signed"):
            for method in GRADIENT + GRADIENT_FREE:
                yield name, layer, "pytorch-grad-cam", method, {}
            for method in TC_GRADIENT:
                yield name, layer, "torchcam", method, {}
            yield name, layer, "torchcam", "smooth-grad-cam++", NO_NOISE
        yield name, "last", "torchcam", "cam", {}
        yield name, ["middle", "last"], "pytorch-grad-cam", "grad-cam", {}
        yield name, ["middle", "last"], "pytorch-grad-cam", "layer-cam", {}
        yield name, ["early", "middle", "last"], "torchcam", "layer-cam", {"fuse": True}
    yield "wide", "middle", "pytorch-grad-cam", "grad-cam", {"eigen_smooth": True}
    yield "pair", "last", "pytorch-grad-cam", "score-cam", {}
    yield "pair", "last", "pytorch-grad-cam", "ablation-cam", {}
    yield "pair", "last", "torchcam", "score-cam", {}
    for name in ("pair", "wide"):
        yield name, "early", "pytorch-grad-cam", "score-cam", {}
        yield name, "early", "pytorch-grad-cam", "ablation-cam", {}
        yield name, "early", "torchcam", "score-cam", {}
    yield "wide", "signed", "pytorch-grad-cam", "score-cam", {}
    yield "wide", "signed", "torchcam", "score-cam", {}
    yield "wide", "early", "torchcam", "is-cam", {"num_samples": 4}
    yield "wide", "early", "torchcam", "ss-cam", NO_NOISE
    yield "wide", "early", "torchcam", "ss-cam", {"std": 2.0, "num_samples": 8}  # random: compare loosely


class Store:
    """Arrays one after the other in a little-endian file; `add` gives the record that finds one again."""

    def __init__(self):
        self.chunks, self.size = [], 0

    def add(self, array, dtype="float32") -> dict:
        data = np.ascontiguousarray(array, {"float32": "<f4", "uint8": "u1"}[dtype])
        record = {"type": dtype, "dims": list(data.shape), "offset": self.size}
        raw = data.tobytes()
        raw += bytes(-len(raw) % 4)
        self.chunks.append(raw)
        self.size += len(raw)
        return record


def tensors_of(x: np.ndarray) -> dict[str, np.ndarray]:
    """Every floating-point tensor of four dimensions that a node of the ONNX model makes, by name."""
    model = onnx.load(MODEL)
    for dim, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("height", "width")):
        dim.dim_param = name
    names = [n.output[0] for n in model.graph.node if n.op_type in ("Conv", "Clip", "Add")]
    known = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = [o.name for o in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, {"input": x}), strict=True))


def gap_of(activations: np.ndarray) -> float:
    """Smallest ratio of the two largest singular values over the batch, of centred [positions, channels]."""
    ratios = []
    for a in activations:
        flat = a.reshape(a.shape[0], -1).T
        s = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
        ratios.append(s[0] / s[1])
    return float(min(ratios))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    store = Store()
    model = load_pretrained()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    modules = dict(model.named_modules())
    document = {"model": MODEL.name, "step": STEP, "normalisation": "(pixel - 127) / 128", "layers": {}, "inputs": {},
                "cases": []}
    batches = {}
    for name, (pictures, size, classes) in INPUTS.items():
        pixels = np.stack([np.asarray(Image.open(ROOT / "assets" / "pictures" / p).convert("RGB")
                                      .resize(size, Image.Resampling.BILINEAR)) for p in pictures])
        x = batches[name] = torch.from_numpy((np.float32(pixels.transpose(0, 3, 1, 2)) - 127) / 128)
        kept = {}
        handles = [modules[m].register_forward_hook(lambda _m, _i, out, key=k: kept.update({key: out.detach().numpy()}))
                   for k, m in LAYERS.items()]
        logits = model(x).detach().numpy()
        for handle in handles:
            handle.remove()
        ours = tensors_of(x.numpy())
        assert np.abs(ours["logits"] - logits).max() < 1e-4, "ONNX Runtime and PyTorch disagree on the logits"
        for key, value in kept.items():
            match = [n for n, v in ours.items() if v.shape == value.shape and np.abs(v - value).max() < 1e-4]
            assert len(match) == 1, f"{key}: tensors {match} match"
            document["layers"][key] = {"module": LAYERS[key], "tensor": match[0], "channels": value.shape[1]}
        document["inputs"][name] = {
            "pictures": pictures, "targets": classes, "pixels": store.add(pixels, "uint8"), "logits": store.add(logits)}
        for key, value in kept.items():
            assert key == "early" or gap_of(value) > 1.05, f"{key}: no principal component stands apart"

    for name, layers, library, method, options in cases():
        x, classes = batches[name], INPUTS[name][2]
        several = isinstance(layers, list)
        if library == "torchcam":
            target = [LAYERS[k] for k in layers] if several else LAYERS[layers]
            result = run_torchcam(method, model, target, x, classes, **options)
        else:
            target = [modules[LAYERS[k]] for k in layers] if several else modules[LAYERS[layers]]
            result = run_pgc(method, model, target, x, classes, **options)
            result["map"] = result["map"][:, ::STEP, ::STEP]
        record = {"input": name, "layer": layers, "library": library, "method": method,
                  "params": {PARAMS[k]: v for k, v in options.items() if k in PARAMS}}
        for key, value in result.items():
            if several and key not in ("map", "fused"):
                continue  # the single-layer cases have them
            record[key] = [store.add(v) for v in value] if isinstance(value, list) else store.add(value)
        document["cases"].append(record)
        print(name, layers, library, method, flush=True)

    (OUT / "values.bin").write_bytes(b"".join(store.chunks))
    lines = ",\n".join("  " + json.dumps(case) for case in document.pop("cases"))
    (OUT / "index.json").write_text(f'{json.dumps(document)[:-1]}, "cases": [\n{lines}\n]}}\n')
    print(f"{store.size} bytes")


if __name__ == "__main__":
    main()
