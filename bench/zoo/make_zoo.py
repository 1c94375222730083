"""Exports the zoo: every architecture from both of PyTorch's exporters, with dynamic batch, seeded weights and, beside each
model, the gradients that PyTorch finds for it.

Writes to the folder named, which is no part of the repository (some gigabytes):
  NAME.input.npy             float32 [2,3,size,size]
  NAME-EXPORTER-OPSET.onnx
  NAME-EXPORTER-OPSET.json   family, exporter, opset, logits, and for every tensor of the graph that some module of the
                             network returns: PyTorch's float64 gradient (norm, maximum, sampled values) and the relative l2
                             error `gap` of PyTorch's own float32 gradient
  NAME-EXPORTER.refused.json the exporter's error, where it cannot write the network in any opset
What is there already is left alone.

Usage: python bench/zoo/make_zoo.py --out FOLDER [name ...]
"""
import contextlib
import io
import json
import logging
import sys
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "peers"), str(ROOT / "scripts"), str(ROOT / "test" / "golden")]
import torchvision_cpu  # noqa: E402, F401

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402

from architectures import ARCHITECTURES  # noqa: E402
from command import make_each  # noqa: E402
from families import CONVOLUTIONAL  # noqa: E402
from matching import write  # noqa: E402
from reference import captured, initialise, picture, without_in_place  # noqa: E402

OPSETS = {"legacy": (11, 13, 17), "dynamo": (18, 20, 21)}


def opsets_of(name: str) -> list[tuple[str, tuple[int, ...]]]:
    """One opset of each exporter, in turn, and the ones after it where the exporter cannot express the network in that one;
    of one of each family the ones that know most."""
    place = list(ARCHITECTURES).index(name) % 3
    if module := ARCHITECTURES[name].module:
        one = [("legacy", (17, 18)), ("dynamo", (OPSETS["dynamo"][place], 23))]
        return one[:1] if module in CONVOLUTIONAL else one
    return [(exporter, opsets[place:]) for exporter, opsets in OPSETS.items()]


def export(model: torch.nn.Module, x: torch.Tensor, exporter: str, opset: int) -> onnx.ModelProto:
    names = {"input_names": ["input"], "output_names": ["logits"], "opset_version": opset}
    with contextlib.redirect_stdout(io.StringIO()):
        if exporter == "legacy":
            buffer = io.BytesIO()
            torch.onnx.export(model, (x,), buffer, dynamo=False, **names,
                              dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
            return onnx.load_from_string(buffer.getvalue())
        return torch.onnx.export(model, (x,), dynamo=True, verbose=False, **names,
                                 dynamic_shapes=({0: torch.export.Dim("batch")},)).model_proto


def about_of(name: str, exporter: str, opset: int) -> dict:
    architecture = ARCHITECTURES[name]
    module = {"module": architecture.module} if architecture.module else {}
    return {"architecture": name, "family": architecture.family, "exporter": exporter, "opset": opset} | module


def make_export(out: Path, name: str, model, x, theirs, logits, exporter: str, opset: int) -> None:
    about = about_of(name, exporter, opset) | {"input": f"{name}.input.npy", "real": ARCHITECTURES[name].real}
    proto = export(model, x, exporter, opset)
    write(out, f"{name}-{exporter}-{opset}", proto, x.numpy(), logits.numpy(), theirs, about)


def without_fused_attention(model: torch.nn.Module) -> None:
    """What timm's users do where an exporter does not know scaled_dot_product_attention with these arguments."""
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False


def reason(error: BaseException) -> str:
    """The first line of what lies at the bottom of an exporter's error."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else error!r}"


def make(out: Path, name: str) -> None:
    architecture = ARCHITECTURES[name]
    missing = [(exporter, opsets) for exporter, opsets in opsets_of(name)
               if not list(out.glob(f"{name}-{exporter}[-.]*.json"))]
    if not missing:
        return
    torch.manual_seed(0)
    model = architecture.build().eval()
    without_in_place(model)
    x = picture(architecture.size)
    if not architecture.real:
        initialise(model, x)
    np.save(out / f"{name}.input.npy", x.numpy())
    with torch.no_grad():
        logits = model(x)
    assert torch.isfinite(logits).all() and float(logits.std()) > 1e-4, f"{name}: useless logits"
    theirs = captured(model, x)
    forms = (False, True) if any(hasattr(module, "fused_attn") for module in model.modules()) else (False,)
    for exporter, opsets in missing:
        refusals = []
        for plain, opset in [(plain, opset) for plain in forms for opset in opsets]:
            if plain:
                without_fused_attention(model)
            try:
                make_export(out, name, model, x, theirs, logits, exporter, opset)
                break
            except Exception as error:
                refusals.append(reason(error))
                print(f"{name}-{exporter}-{opset}: {refusals[-1]}", flush=True)
        else:
            about = about_of(name, exporter, opsets[0]) | {"refused": refusals[0]}
            (out / f"{name}-{exporter}.refused.json").write_text(json.dumps(about) + "\n")


def make_or_report(out: Path, name: str) -> None:
    """A network that fails does not keep the others from being made."""
    try:
        make(out, name)
    except Exception:
        traceback.print_exc()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    make_each(__doc__, ARCHITECTURES, make_or_report)
