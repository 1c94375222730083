"""One case of make_autodiff_cases.py: a small graph, its inputs, and how its gradient is known."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from float64_operators import OPERATORS

# Smallest ONNX IR version that an opset needs.
IR_VERSIONS = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10,
               23: 11, 24: 12, 25: 13, 26: 13}


def evaluator(model):
    return ReferenceEvaluator(model, new_ops=OPERATORS)


class Case:
    """nodes: (op, inputs, outputs, attributes); inputs: float arrays; constants: arrays, integer ones stay integer."""

    def __init__(self, name, nodes, inputs, constants=None, wrt=None, opset=17, torch=None, score="y", tolerance=None, second=False, forward=False):
        """torch: the same function in PyTorch (torch, **inputs); second: also a second derivative; tolerance: of the float32 test;
        forward: the float64 output is stored as well, which the runtime's kernel must give (for operators written here)."""
        self.name = name
        self.nodes = nodes
        self.inputs = inputs
        self.constants = constants or {}
        self.wrt = wrt or list(inputs)
        self.opset = opset
        self.torch = torch
        self.score = score
        self.tolerance = tolerance
        self.second = second
        self.forward = forward

    def model(self, every_output=False):
        nodes = [helper.make_node(op, ins, outs, name=f"n{index}", **attrs)
                 for index, (op, ins, outs, attrs) in enumerate(self.nodes)]
        inputs = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, array.shape) for name, array in self.inputs.items()]
        constants = [numpy_helper.from_array(to_float64(array), name) for name, array in self.constants.items()]
        names = [output for node in nodes for output in node.output if output] if every_output else [self.score]
        outputs = [onnx.ValueInfoProto(name=name) for name in names]
        graph = helper.make_graph(nodes, "case", inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=IR_VERSIONS[self.opset])

    def run(self, inputs):
        if not hasattr(self, "_evaluator"):
            self._evaluator = evaluator(self.model())
        return self._evaluator.run(None, inputs)[0]


def to_float64(array):
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
