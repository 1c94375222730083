"""TensorFlow Lite models of MediaPipe as ONNX files, through tf2onnx in an environment of its own (that of ../make_keras.py)."""
import subprocess
import tempfile
from pathlib import Path

import onnx
from onnx import helper, numpy_helper

OPSET = 16
MEDIAPIPE_UPSAMPLING = "TFL_Convolution2DTransposeBias"


def converted(tflite: bytes, python: str) -> bytes:
    """@param python the interpreter that has tensorflow and tf2onnx"""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "model.tflite"), Path(folder, "model.onnx")
        source.write_bytes(tflite)
        command = [python, "-m", "tf2onnx.convert", "--tflite", source, "--output", target, "--opset", str(OPSET)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        model = onnx.load(target)
    for node in [node for node in model.graph.node if node.op_type == MEDIAPIPE_UPSAMPLING]:
        _write_out(model.graph, node)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _write_out(graph: onnx.GraphProto, node: onnx.NodeProto) -> None:
    """MediaPipe's own operator, which tf2onnx leaves as it is: a transposed convolution whose windows of stride size touch."""
    data, kernel, bias = node.input
    place = next(one for one in graph.initializer if one.name == kernel)
    weights = numpy_helper.to_array(place)  # [out,h,w,in]
    place.CopyFrom(numpy_helper.from_array(weights.transpose(3, 0, 1, 2).copy(), kernel))
    at, output = list(graph.node).index(node), node.output[0]
    first, after = f"{output}/channels_first", f"{output}/upsampled"
    graph.node.remove(node)
    made = [helper.make_node("Transpose", [data], [first], perm=[0, 3, 1, 2]),
            helper.make_node("ConvTranspose", [first, kernel, bias], [after], strides=weights.shape[1:3]),
            helper.make_node("Transpose", [after], [output], perm=[0, 2, 3, 1])]
    for offset, one in enumerate(made):
        graph.node.insert(at + offset, one)
