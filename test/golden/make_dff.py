"""Makes test/golden/dff.json: how well scikit-learn's NMF, called as pytorch-grad-cam's DeepFeatureFactorization calls it
(init 'random', random_state 0; other seeds beside it), explains feature maps. Data that test/kernels/factorize.test.ts
makes again from weights.py, and the bundled model's activations on the bundled cat. Usage: python test/golden/make_dff.py
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import NMF

from weights import uniform

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from efficientnet_lite0 import load_pretrained  # noqa: E402

OUT = Path(__file__).resolve().parent / "dff.json"
LAYERS = {"last": "head_act", "middle": "blocks.10.act", "signed": "blocks.10"}


def parts(channels: int, positions: int, rank: int, noise: float) -> np.ndarray:
    """Sparse non-negative factors, and noise on their product that may be negative; float32 [C,P]."""
    w = np.maximum(uniform(1, channels * rank, 1.0, -0.2), 0).reshape(channels, rank).astype(np.float64)
    h = np.maximum(uniform(2, rank * positions, 1.0, -0.2), 0).reshape(rank, positions).astype(np.float64)
    return (w @ h + uniform(3, channels * positions, noise).reshape(channels, positions)).astype(np.float32)


def relative_errors(v: np.ndarray, components: int) -> list[float]:
    """|V - WH| / |V| for five seeds."""
    norm, errors = np.linalg.norm(v), []
    for seed in range(5):
        model = NMF(components, init="random", random_state=seed)
        w = model.fit_transform(v)
        errors.append(float(np.linalg.norm(v - w @ model.components_) / norm))
    return errors


def main() -> None:
    warnings.simplefilter("ignore")  # 200 iterations may not be enough for its tolerance
    cases = []

    def add(data: dict, activations: np.ndarray, counts) -> None:
        for components in counts:
            for shift in (False, True):
                v = activations - activations.min(1, keepdims=True) if shift else np.maximum(activations, 0)
                cases.append(data | {"components": components, "shift": shift,
                                     "errors": relative_errors(v.astype(np.float64), components)})

    for shape in ((40, 35, 5, 0.1), (17, 120, 3, 0.02)):
        add({"parts": shape}, parts(*shape), (1, 3, 5))
    model = load_pretrained()
    cat = Image.open(ROOT / "assets" / "pictures" / "cat.png").convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    x = torch.from_numpy((np.asarray(cat, np.float32).transpose(2, 0, 1)[None] - 127) / 128)
    for name, module in LAYERS.items():
        kept = []
        handle = dict(model.named_modules())[module].register_forward_hook(lambda _m, _i, out: kept.append(out))
        model(x)
        handle.remove()
        a = kept[0].detach().numpy()[0]
        add({"layer": name}, a.reshape(a.shape[0], -1), (1, 3, 5, 8))
    OUT.write_text(json.dumps({"cases": cases}, indent=None) + "\n")
    for case in cases:
        print({k: v for k, v in case.items() if k != "errors"}, [f"{e:.4f}" for e in case["errors"]])


if __name__ == "__main__":
    main()
