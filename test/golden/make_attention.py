"""Makes test/golden/attention: small vision transformers with seeded weights, exported by both of PyTorch's exporters, and
what the published formulas of the attention methods give for them.

Attention probabilities and their gradients come from hooks in float64; rollout and gradient rollout follow
jacobgil/vit-explain (gradients paired with their own block), attention Grad-CAM and generic attention Chefer's
repositories, ViT-Recipro-CAM OpenVINO XAI, LeGrad its paper (torchvision's network: torchcam itself), Grad-CAM is pytorch-grad-cam with a reshape
transform at the last block's first norm. Weights are multiples of 1/64, so that the files compress.

Usage: python test/golden/make_attention.py
"""
import contextlib
import gzip
import io
import json
import logging
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "peers"), str(ROOT / "scripts")]
import torchvision_cpu  # noqa: E402, F401

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from pytorch_grad_cam import GradCAM  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from torchcam.methods import LeGrad  # noqa: E402
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionTransformer  # noqa: E402

from weights import uniform  # noqa: E402

OUT = Path(__file__).resolve().parent / "attention"
CLASSES, TARGET, DEPTH = 5, 3, 3
SMALL = {"patch_size": 8, "embed_dim": 24, "depth": DEPTH, "num_heads": 3, "num_classes": CLASSES, "mlp_ratio": 2}
MODELS = {
    # name: (constructor, (height, width), prefix tokens)
    "class-token": (lambda: VisionTransformer(img_size=(16, 24), **SMALL), (16, 24), 1),
    "registers": (lambda: VisionTransformer(img_size=(24, 16), reg_tokens=4, **SMALL), (24, 16), 5),
    "mean-pooled": (lambda: VisionTransformer(img_size=(16, 24), class_token=False, global_pool="avg", **SMALL), (16, 24), 0),
    "torchvision": (lambda: TorchvisionTransformer(24, 8, DEPTH, 3, 24, 48, num_classes=CLASSES), (24, 24), 1),
}


def seed_weights(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        values = torch.randint(-16, 17, parameter.shape, generator=generator) / 64
        centre = 1.0 if "norm" in name and name.endswith("weight") or name.endswith(("ln.weight", "ln_1.weight", "ln_2.weight")) else 0.0
        parameter.data.copy_(values + centre)


def export(model: torch.nn.Module, x: torch.Tensor, exporter: str) -> bytes:
    names = {"input_names": ["input"], "output_names": ["logits"]}
    with contextlib.redirect_stdout(io.StringIO()):
        if exporter == "legacy":
            buffer = io.BytesIO()
            torch.onnx.export(model, (x,), buffer, dynamo=False, opset_version=17, **names,
                              dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
            exported = onnx.load_from_string(buffer.getvalue())
        else:
            pair = torch.cat([x, x])
            exported = torch.onnx.export(model, (pair,), dynamo=True, verbose=False, opset_version=18, **names,
                                         dynamic_shapes=({0: torch.export.Dim("batch")},)).model_proto
    exported.doc_string = exported.graph.doc_string = ""
    graph = exported.graph
    for message in [exported, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output]:
        message.doc_string = ""
        del message.metadata_props[:]
    return exported.SerializeToString()


def attention_of(model: VisionTransformer, x: torch.Tensor):
    """Probabilities of every block [heads, T, T], their gradients, those of the blocks' own scores, and the logits."""
    attention, tokens, handles = [], [], []
    for block in model.blocks:
        block.attn.fused_attn = False
        handles.append(block.attn.attn_drop.register_forward_hook(lambda _m, _i, output: attention.append(output)))
        handles.append(block.register_forward_hook(lambda _m, _i, output: tokens.append(output)))
    logits = model(x)
    for handle in handles:
        handle.remove()
    gradients = torch.autograd.grad(logits[0, TARGET], attention, retain_graph=True)
    own = []
    for probabilities, stream in zip(attention, tokens):
        mean = stream.mean(1, keepdim=True)
        score = model.head(model.fc_norm(model.norm(mean)[:, 0]))[0, TARGET]
        own.append(torch.autograd.grad(score, probabilities, retain_graph=True)[0][0])
    return [a[0].detach() for a in attention], [g[0] for g in gradients], own, logits.detach()


def roll(matrices: list[torch.Tensor], prefix: int) -> torch.Tensor:
    result = torch.eye(matrices[0].shape[-1], dtype=matrices[0].dtype)
    for fused in matrices:
        joint = (fused + torch.eye(fused.shape[-1], dtype=fused.dtype)) / 2
        result = joint / joint.sum(-1, keepdim=True) @ result
    return read(result, prefix)


def read(result: torch.Tensor, prefix: int) -> torch.Tensor:
    return (result[0] if prefix else result.mean(0))[prefix:]


def discard(fused: torch.Tensor, ratio: float, keep_first: bool) -> torch.Tensor:
    flat = fused.flatten().clone()
    indices = flat.topk(int(flat.numel() * ratio), largest=False).indices
    flat[indices[indices != 0] if keep_first else indices] = 0
    return flat.reshape(fused.shape)


def rollout(attention, prefix, fuse, ratio):
    heads = {"mean": lambda a: a.mean(0), "max": lambda a: a.max(0).values, "min": lambda a: a.min(0).values}[fuse]
    return roll([discard(heads(a), ratio, True) for a in attention], prefix)


def gradient_rollout(attention, gradients, prefix, ratio):
    return roll([discard((a * g).mean(0).clamp(min=0), ratio, False) for a, g in zip(attention, gradients)], prefix)


def generic(attention, gradients, prefix):
    result = torch.eye(attention[0].shape[-1], dtype=attention[0].dtype)
    for a, g in zip(attention, gradients):
        result = result + (a * g).clamp(min=0).mean(0) @ result
    return read(result, prefix)


def attention_grad_cam(attention, gradients, prefix):
    a, g = attention[-1], gradients[-1]
    a, g = (a[:, 0], g[:, 0]) if prefix else (a.mean(1), g.mean(1))
    return (a[:, prefix:] * g[:, prefix:].mean(-1, keepdim=True)).mean(0)


def legrad(own, prefix):
    return torch.stack([g.clamp(min=0).mean((0, 1))[prefix:] for g in own]).mean(0)


def vit_recipro(model, x, prefix, grid, gaussian, keep):
    """OpenVINO XAI's form: residual stream and normalised tokens of the last block are masked, the norm sees all."""
    seen = []
    block = model.blocks[-1]
    handle = block.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    model(x)
    handle.remove()
    tokens, normed = seen[0], block.norm1(seen[0])
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=x.dtype) / 16
    scores = []
    for row in range(grid[0]):
        for column in range(grid[1]):
            mask = torch.zeros(grid[0] + 2, grid[1] + 2, dtype=x.dtype)
            if gaussian:
                mask[row:row + 3, column:column + 3] = kernel
            else:
                mask[row + 1, column + 1] = 1
            mask = torch.cat([torch.full((prefix,), float(keep), dtype=x.dtype), mask[1:-1, 1:-1].flatten()])[:, None]
            z = tokens * mask + block.attn(normed * mask)
            z = z + block.mlp(block.norm2(z))
            scores.append(model.forward_head(model.norm(z))[0, TARGET])
    return torch.stack(scores).detach()


def grad_cam(model, x, prefix, grid):
    def reshape(tensor):
        return tensor[:, prefix:].reshape(tensor.shape[0], *grid, tensor.shape[2]).permute(0, 3, 1, 2)
    with GradCAM(model=model, target_layers=[model.blocks[-1].norm1], reshape_transform=reshape) as cam:
        cam(input_tensor=x, targets=[ClassifierOutputTarget(TARGET)])
        activations = torch.from_numpy(cam.activations_and_grads.activations[-1].numpy())
        gradients = torch.from_numpy(cam.activations_and_grads.gradients[-1].numpy())
    return (gradients.mean((2, 3), keepdim=True) * activations).sum(1)[0].flatten()


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    OUT.mkdir(exist_ok=True)
    index = []
    for position, (name, (make, (height, width), prefix)) in enumerate(MODELS.items()):
        model = make().eval()
        seed_weights(model)
        seed = 100 + position
        x = torch.from_numpy(uniform(seed, 3 * height * width, 2.0).reshape(1, 3, height, width))
        for exporter in ("legacy", "dynamo"):
            file = gzip.compress(export(model, x, exporter), 9, mtime=0)
            (OUT / f"{name}-{exporter}.onnx.gz").write_bytes(file)
        grid = [height // 8, width // 8]
        cases = []

        def add(method, params, raw, convention="paper"):
            values = [float(f"{v:.8g}") for v in torch.as_tensor(raw).flatten().tolist()]
            cases.append({"method": method, "params": params, "convention": convention, "raw": values})

        if name == "torchvision":
            with LeGrad(model, list(model.encoder.layers), prefix_tokens=1) as extractor:
                logits = model(x)
                maps = extractor(TARGET, logits, normalized=False)
            add("legrad", {}, torch.stack([m[0].detach() for m in maps]).mean(0), "torchcam")
            logits = logits.detach()
        else:
            double = make().double().eval()
            double.load_state_dict({key: value.double() for key, value in model.state_dict().items()})
            attention, gradients, own, logits = attention_of(double, x.double())
            for fuse in ("mean", "max", "min"):
                for ratio in (0, 0.6):
                    add("attention-rollout", {"fuse": fuse, "discard": ratio}, rollout(attention, prefix, fuse, ratio))
            for ratio in (0, 0.6):
                add("gradient-rollout", {"discard": ratio}, gradient_rollout(attention, gradients, prefix, ratio))
            add("generic-attention", {}, generic(attention, gradients, prefix))
            add("attention-grad-cam", {}, attention_grad_cam(attention, gradients, prefix))
            add("legrad", {}, legrad(own, prefix))
            for params in ({}, {"gaussian": False}, {"keepPrefix": False}):
                gaussian, keep = params.get("gaussian", True), params.get("keepPrefix", True)
                add("vit-recipro-cam", params, vit_recipro(double, x.double(), prefix, grid, gaussian, keep))
            add("grad-cam", {}, grad_cam(double, x.double(), prefix, grid), "pytorch-grad-cam")
        index.append({"name": name, "seed": seed, "dims": [1, 3, height, width], "grid": grid, "prefix": prefix,
                      "target": TARGET, "logits": np.round(logits[0].double().numpy(), 8).tolist(), "cases": cases})
        print(name, [len(p.read_bytes()) for p in sorted(OUT.glob(f"{name}-*.gz"))])
    (OUT / "values.json").write_text(json.dumps(index, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
