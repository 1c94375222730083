"""LSTM, GRU and RNN in float64 with all their attributes, for the onnx package's reference evaluator, whose own know
neither two directions nor sequence lengths, clipping or activations other than the defaults. Written from the formulas of the
ONNX operator list; the tests compare ONNX Runtime's kernels with what they give.
"""

import numpy as np
from onnx.reference.op_run import OpRun

sigmoid = lambda x: 1 / (1 + np.exp(-x))
# The defaults are ONNX Runtime's. name: (default alpha, default beta, function)
ACTIVATIONS = {
    "affine": (0.0, 0.0, lambda x, a, b: a * x + b),
    "elu": (1.0, None, lambda x, a, b: np.where(x > 0, x, a * (np.exp(np.minimum(x, 0)) - 1))),
    "hardsigmoid": (0.2, 0.5, lambda x, a, b: np.clip(a * x + b, 0, 1)),
    "leakyrelu": (0.01, None, lambda x, a, b: np.where(x > 0, x, a * x)),
    "relu": (None, None, lambda x, a, b: np.maximum(x, 0)),
    "scaledtanh": (0.0, 0.0, lambda x, a, b: a * np.tanh(b * x)),
    "sigmoid": (None, None, lambda x, a, b: sigmoid(x)),
    "softplus": (None, None, lambda x, a, b: np.log1p(np.exp(x))),
    "softsign": (None, None, lambda x, a, b: x / (1 + np.abs(x))),
    "tanh": (None, None, lambda x, a, b: np.tanh(x)),
    "thresholdedrelu": (0.0, None, lambda x, a, b: np.where(x > a, x, 0)),
}


def functions(names, alphas, betas):
    alphas, betas = list(alphas or []), list(betas or [])
    result = []
    for name in names:
        alpha, beta, function = ACTIVATIONS[name.lower()]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        result.append(lambda x, f=function, a=alpha, b=beta: f(x, a, b))
    return result


def lstm_step(x, h, c, w, r, b, p, f, clip, input_forget):
    gates = x @ w.T + h @ r.T + b
    i, o, forget, fresh = np.split(gates, 4, axis=1)
    holes = np.split(p, 3) if p is not None else [0, 0, 0]
    i = f[0](clip(i + holes[0] * c))
    forget = 1 - i if input_forget else f[0](clip(forget + holes[2] * c))
    c = forget * c + i * f[1](clip(fresh))
    o = f[0](clip(o + holes[1] * c))
    return o * f[2](c), c


def gru_step(x, h, w, r, wb, rb, f, clip, linear):
    n = h.shape[1]
    gx, gh = x @ w.T + wb, h @ r.T + rb
    z = f[0](clip(gx[:, :n] + gh[:, :n]))
    reset = f[0](clip(gx[:, n:2 * n] + gh[:, n:2 * n]))
    if linear:
        own = reset * gh[:, 2 * n:]
    else:
        own = (reset * h) @ r[2 * n:].T + rb[2 * n:]
    fresh = f[1](clip(gx[:, 2 * n:] + own))
    return (1 - z) * fresh + z * h


class Recurrent(OpRun):
    """What the three have in common: steps, directions, lengths, outputs."""

    gates = 1
    defaults = ("Tanh",)

    def unroll(self, X, W, R, B, lengths, initial_h, initial_c, P, direction, activations, alpha, beta, clip, **rest):
        steps, batch, _ = X.shape
        count = W.shape[0]
        n = R.shape[2]
        all_functions = functions(activations or self.defaults * count, alpha, beta)
        per = len(all_functions) // count
        lengths = np.full(batch, steps) if lengths is None else lengths
        bound = (lambda v: np.clip(v, -clip, clip)) if clip else (lambda v: v)
        Y = np.zeros([steps, count, batch, n])
        last_h, last_c = np.zeros([count, batch, n]), np.zeros([count, batch, n])
        for d in range(count):
            wb, rb = np.split(B[d], 2) if B is not None else (np.zeros(self.gates * n), np.zeros(self.gates * n))
            for item in range(batch):
                h = initial_h[d, item:item + 1] if initial_h is not None else np.zeros([1, n])
                c = initial_c[d, item:item + 1] if initial_c is not None else np.zeros([1, n])
                order = range(lengths[item])
                if direction == "reverse" or d == 1:
                    order = reversed(order)
                for t in order:
                    h, c = self.step(X[t, item:item + 1], h, c, W[d], R[d], wb, rb, P[d] if P is not None else None,
                                     all_functions[d * per:(d + 1) * per], bound, **rest)
                    Y[t, d, item] = h[0]
                last_h[d, item], last_c[d, item] = h[0], c[0]
        return (Y, last_h, last_c)[:len(self.onnx_node.output)]


class LSTM(Recurrent):
    gates = 4
    defaults = ("Sigmoid", "Tanh", "Tanh")

    def step(self, x, h, c, w, r, wb, rb, p, f, bound, input_forget):
        return lstm_step(x, h, c, w, r, wb + rb, p, f, bound, input_forget)

    def _run(self, X, W, R, B=None, sequence_lens=None, initial_h=None, initial_c=None, P=None, activation_alpha=None,
             activation_beta=None, activations=None, clip=None, direction=None, hidden_size=None, input_forget=None, layout=None):
        return self.unroll(X, W, R, B, sequence_lens, initial_h, initial_c, P, direction, activations, activation_alpha,
                           activation_beta, clip, input_forget=input_forget)


class GRU(Recurrent):
    gates = 3
    defaults = ("Sigmoid", "Tanh")

    def step(self, x, h, c, w, r, wb, rb, p, f, bound, linear):
        return gru_step(x, h, w, r, wb, rb, f, bound, linear), c

    def _run(self, X, W, R, B=None, sequence_lens=None, initial_h=None, activation_alpha=None, activation_beta=None,
             activations=None, clip=None, direction=None, hidden_size=None, layout=None, linear_before_reset=None):
        return self.unroll(X, W, R, B, sequence_lens, initial_h, None, None, direction, activations, activation_alpha,
                           activation_beta, clip, linear=linear_before_reset)


class RNN(Recurrent):
    def step(self, x, h, c, w, r, wb, rb, p, f, bound):
        return f[0](bound(x @ w.T + h @ r.T + wb + rb)), c

    def _run(self, X, W, R, B=None, sequence_lens=None, initial_h=None, activation_alpha=None, activation_beta=None,
             activations=None, clip=None, direction=None, hidden_size=None, layout=None):
        return self.unroll(X, W, R, B, sequence_lens, initial_h, None, None, direction, activations, activation_alpha,
                           activation_beta, clip)


RECURRENT = [LSTM, GRU, RNN]
