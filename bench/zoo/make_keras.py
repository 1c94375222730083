"""Exports Keras networks through tf2onnx, beside the zoo of make_zoo.py and in its form: NHWC inputs, seeded weights, and
TensorFlow's gradients for what every layer returns.

Needs an environment of its own: tensorflow-cpu 2.21, tf2onnx 1.17, onnx, onnxruntime.

Usage: python bench/zoo/make_keras.py --out FOLDER [name ...]
"""
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "golden"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf2onnx  # noqa: E402

from command import make_each  # noqa: E402
from matching import TARGETS, Captured, write  # noqa: E402

SIZE = 160
# name: (constructor, opset)
NETWORKS = {
    "keras_mobilenet_v2": (keras.applications.MobileNetV2, 13),
    "keras_mobilenet_v3_small": (keras.applications.MobileNetV3Small, 15),
    "keras_resnet50": (keras.applications.ResNet50, 11),
    "keras_efficientnet_b0": (keras.applications.EfficientNetB0, 17),
    "keras_densenet121": (keras.applications.DenseNet121, 18),
    "keras_inception_v3": (keras.applications.InceptionV3, 13),
}


def picture() -> np.ndarray:
    """float32 [2,SIZE,SIZE,3] of deviation 1: noise of several scales."""
    generator = np.random.default_rng(0)
    x = np.zeros((len(TARGETS), SIZE, SIZE, 3), np.float32)
    for cells in (3, 7, 20, 60, SIZE):
        x += tf.image.resize(generator.standard_normal((len(TARGETS), cells, cells, 3)), (SIZE, SIZE), "bicubic").numpy()
    return x / x.std()


def initialise(model: keras.Model, x: np.ndarray) -> None:
    """Weights of unit gain, scales around one, batch norms with the statistics of the picture."""
    generator = np.random.default_rng(0)
    for layer in model.layers:
        new = []
        for variable in layer.weights:
            shape, leaf = tuple(variable.shape), variable.name
            if leaf in ("gamma", "beta", "bias"):
                low, high = (0.3, 0.9) if leaf == "gamma" else (-0.2, 0.2)
                new.append(generator.uniform(low, high, shape))
            elif "kernel" in leaf:
                fan = np.prod(shape[:-1]) / (shape[-2] if isinstance(layer, keras.layers.DepthwiseConv2D) else 1)
                new.append(generator.standard_normal(shape) * fan ** -0.5)
            else:
                new.append(variable.numpy())
        layer.set_weights(new)
        if isinstance(layer, keras.layers.Normalization):  # tf2onnx makes inputs of the tensors that it holds
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(np.concatenate([x, x[:, ::-1], x[:, :, ::-1]]), training=True)


def captured(model: keras.Model, x: np.ndarray) -> list[Captured]:
    """
    Input and what every layer returns, as TensorFlow holds it and with channels first: the converter moves them. The score is
    taken before a Softmax at the end.
    """
    single, double = _gradients(model, x, "float32"), _gradients(model, x, "float64")
    found = []
    for (value, gradient), (_, exact) in zip(single, double):
        norm = 0 if exact is None else np.linalg.norm(exact)
        if gradient is None or norm == 0 or value.ndim < 2:
            continue
        one = Captured(value, exact, float(np.linalg.norm(gradient - exact) / norm))
        found += [one, one.transposed(0, 3, 1, 2)] if value.ndim == 4 else [one]
    return found


def _gradients(model: keras.Model, x: np.ndarray, precision: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    # The configuration names the precision that the layers were made with.
    text = model.to_json().replace('"float32"', f'"{precision}"')
    twin = keras.models.model_from_json(text)
    twin.set_weights(model.get_weights())
    outputs = [layer.output for layer in twin.layers if not isinstance(layer, keras.layers.Softmax)]
    inside = keras.Model(twin.inputs, outputs)
    image = tf.convert_to_tensor(x, precision)
    with tf.GradientTape() as tape:
        tape.watch(image)
        values = inside(image, training=False)
        score = sum(values[-1][i, target] for i, target in enumerate(TARGETS))
    gradients = tape.gradient(score, [image, *values[1:]])
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    return [(value.numpy(), None if gradient is None else tf.convert_to_tensor(gradient).numpy())
            for value, gradient in zip([image, *values[1:]], gradients)]


def make(out: Path, name: str) -> None:
    constructor, opset = NETWORKS[name]
    if list(out.glob(f"{name}-*.json")):
        return
    keras.backend.clear_session()
    options = {"include_preprocessing": False} if "mobilenet_v3" in name else {}
    model = constructor(weights=None, input_shape=(SIZE, SIZE, 3), classifier_activation=None, **options)
    x = picture()
    initialise(model, x)
    signature = [tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="input")]
    function = tf.function(lambda image: {"logits": model(image, training=False)}, input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=opset)
    np.save(out / f"{name}.input.npy", x)
    about = {"architecture": name, "family": "keras", "exporter": "tf2onnx", "opset": opset,
             "input": f"{name}.input.npy", "real": False}
    write(out, f"{name}-tf2onnx-{opset}", proto, x, model(x, training=False).numpy(), captured(model, x), about)


if __name__ == "__main__":
    make_each(__doc__, NETWORKS, make)
