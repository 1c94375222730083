"""What the families of cases share: nodes, random choices, values away from kinks."""

import numpy as np


def node(op, inputs, outputs="y", **attributes):
    split = lambda names: names.split(" ") if isinstance(names, str) else list(names)
    return (op, split(inputs), split(outputs), attributes)


def pick(rng, *items):
    return items[rng.integers(len(items))]


def away_from(rng, shape, *kinks, margin=0.05, scale=1.5):
    """Random values at least `margin` away from every kink."""
    values = rng.standard_normal(shape) * scale
    for kink in kinks:
        near = np.abs(values - kink) < margin
        values = np.where(near, kink + np.where(values >= kink, margin, -margin) * (1 + rng.random(shape)), values)
    return values
