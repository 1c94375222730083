"""Cases of recurrent operators."""

import numpy as np

from autodiff_case import Case
from autodiff_builders import node, pick


def cells(rng, op, gates, functions):
    """Random attributes of one recurrent operator."""
    for index in range(9):
        steps, batch, features, n = int(rng.integers(1, 5)), int(rng.integers(1, 4)), 3, 2
        direction = ("forward", "reverse", "bidirectional")[index % 3]
        count = 2 if direction == "bidirectional" else 1
        inputs = {"x": rng.standard_normal([steps, batch, features])}
        constants = {"w": rng.standard_normal([count, gates * n, features]), "r": rng.standard_normal([count, gates * n, n])}
        names = ["x", "w", "r", "", "", ""]
        attributes = dict(hidden_size=n, direction=direction)
        if index % 4 != 3:
            constants["b"], names[3] = rng.standard_normal([count, 2 * gates * n]), "b"
        if index % 3 == 1 or index == 5:
            constants["lengths"], names[4] = rng.integers(1, steps + 1, batch).astype(np.int32), "lengths"
        if index % 2:
            inputs["h0"], names[5] = rng.standard_normal([count, batch, n]), "h0"
        if op == "LSTM":
            names += ["", ""]
            if index % 2:
                inputs["c0"], names[6] = rng.standard_normal([count, batch, n]), "c0"
            if index in (2, 3, 5, 7):
                constants["p"], names[7] = rng.standard_normal([count, 3 * n]), "p"
            if index in (4, 5):
                attributes["input_forget"] = 1
        if op == "GRU":
            attributes["linear_before_reset"] = index % 2
        if index in (3, 4, 8):
            attributes["clip"] = 0.9
        if index in (5, 6, 7, 8):
            attributes["activations"] = [pick(rng, *functions) for _ in range(count * {"LSTM": 3, "GRU": 2, "RNN": 1}[op])]
        if index in (5, 7, 8):
            attributes["activation_alpha"] = [0.4, 0.6, 0.8][:len(attributes["activations"])]
            attributes["activation_beta"] = [0.5, 0.7, 0.3][:len(attributes["activations"])]
        while names[-1] == "":
            names.pop()
        outputs = ["y", "yh"] + (["yc"] if op == "LSTM" else [])
        which = ("y", "yh", outputs[-1])[(index // 3) % 3]
        yield Case(f"{op} {index} {attributes}", [node(op, names, outputs, **attributes)], inputs, constants, score=which,
                   opset=pick(rng, 7, 14, 22) if "activations" not in attributes else 14, forward=True)


def recurrent(rng):
    smooth = ("Sigmoid", "Tanh", "Softsign", "Softplus", "Affine", "ScaledTanh")
    kinked = smooth + ("Relu", "LeakyRelu", "Elu", "HardSigmoid", "ThresholdedRelu")
    yield from cells(rng, "LSTM", 4, smooth)
    yield from cells(rng, "GRU", 3, smooth)
    yield from cells(rng, "RNN", 1, kinked)
    w, r, b = rng.standard_normal([1, 8, 3]), rng.standard_normal([1, 8, 2]), rng.standard_normal([1, 16])
    yield Case("LSTM weights", [node("LSTM", "x w r b", "y", hidden_size=2)],
               {"x": rng.standard_normal([3, 2, 3]), "w": w, "r": r, "b": b}, second=True)
    yield Case("GRU of PyTorch", [node("GRU", "x w r b", "y", hidden_size=2, linear_before_reset=1), ],
               {"x": rng.standard_normal([4, 2, 3])},
               {"w": w[:, :6], "r": r[:, :6], "b": b[:, :12]}, torch=torch_gru(w[0, :6], r[0, :6], b[0, :12]), second=True)


def torch_gru(w, r, b):
    """PyTorch orders the gates r, z, h."""
    turn = lambda a: np.concatenate([np.float32(a).astype(np.float64).reshape(3, 2, -1)[i] for i in (1, 0, 2)]).squeeze()

    def run(torch, x):
        layer = torch.nn.GRU(3, 2).double()
        with torch.no_grad():
            for name, value in (("weight_ih_l0", w), ("weight_hh_l0", r), ("bias_ih_l0", b[:6]), ("bias_hh_l0", b[6:])):
                getattr(layer, name).copy_(torch.tensor(turn(value)))
        return layer(x)[0]
    return run


FAMILIES = {"recurrent": recurrent}
