"""Seeded weights, a picture, and PyTorch's own gradients with respect to what every module of a network returns."""
import copy

import torch
import torch.nn.functional as F
from torch import nn

from matching import TARGETS, Captured

TOKENS = ("pos_embed", "cls_token", "dist_token", "reg_token", "class_token", "pos_embedding", "positional_embedding")
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def picture(size: int, seed: int = 0) -> torch.Tensor:
    """Noise of several scales, so that a network sees areas and edges: [2,3,size,size], deviation 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.zeros(len(TARGETS), 3, size, size)
    for cells in (3, 7, 20, 60, size):
        noise = torch.randn(len(TARGETS), 3, cells, cells, generator=generator)
        x += F.interpolate(noise, (size, size), mode="bicubic", align_corners=False)
    return x / x.std()


def initialise(model: nn.Module, x: torch.Tensor) -> None:
    """
    Weights of unit gain, scales around one, no zeros: heads, last norms and layer scales that start at zero would hide
    errors, and equal tensors would be merged by the exporters. Batch norms take the statistics of the picture.
    """
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            leaf = name.rsplit(".", 1)[-1]
            if any(token in name for token in TOKENS):
                nn.init.normal_(parameter, 0, 0.5)
            elif "bias" in leaf and parameter.dim() < 2:
                nn.init.uniform_(parameter, -0.2, 0.2)
            elif parameter.dim() >= 2 and parameter[0].numel() > 1:
                nn.init.normal_(parameter, 0, parameter[0].numel() ** -0.5)
            else:
                nn.init.uniform_(parameter, 0.3, 0.9)
        norms = [module for module in model.modules() if isinstance(module, BATCH_NORMS) and module.track_running_stats]
        momenta = [norm.momentum for norm in norms]
        model.eval()
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
        model(torch.cat([x, x.flip(-1), x.flip(-2), x.flip(0, -1, -2)]))
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
            norm.eval()


def without_in_place(model: nn.Module) -> None:
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False


def score(output: torch.Tensor) -> torch.Tensor:
    """Sum over the pictures of one class's score; of segmentation networks summed over all positions."""
    return sum(output[i, target].sum() for i, target in enumerate(TARGETS))


def captured(model: nn.Module, x: torch.Tensor) -> list[Captured]:
    """
    The input and what every module returns, in the order of the run. The picture is a batch of two:
    PyTorch 2.13 gives a wrong gradient of batch norms for one picture whose strides are those of transposed tokens.
    """
    single, double = _gradients(model, x), _gradients(copy.deepcopy(model).double(), x.double())
    found = []
    for name, (value, gradient) in single.items():
        exact = double[name][1]
        if gradient is None or exact is None or float(exact.norm()) == 0:
            continue
        gap = float((gradient.double() - exact).norm() / exact.norm())
        found.append(Captured(value.numpy(), exact.numpy(), gap))
    return found


def _gradients(model: nn.Module, x: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor | None]]:
    x = x.clone().requires_grad_(True)
    values: dict[str, torch.Tensor] = {"input": x}

    def hook(name: str):
        def run(_module, _inputs, output):
            if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not output.requires_grad:
                return None
            values[f"{name}#{len(values)}"] = output
            return output.clone()  # what works in place from here on leaves the captured tensor alone
        return run

    handles = [module.register_forward_hook(hook(name)) for name, module in model.named_modules()]
    try:
        output = model(x)
    finally:
        for handle in handles:
            handle.remove()
    gradients = torch.autograd.grad(score(output), list(values.values()), allow_unused=True)
    return {name: (value.detach(), None if g is None else g.detach().contiguous())
            for (name, value), g in zip(values.items(), gradients)}
