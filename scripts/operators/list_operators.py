"""Lists the operators of the ONNX operator sets and of ONNX Runtime's contrib domain: operators.json beside this file.

    python scripts/operators/list_operators.py

Needs onnx and onnxruntime (names, versions and types of operators are read from their schemas; both packages are under
permissive licences, Apache-2.0 and MIT). Operators newer than the newest operator set that the library reads are left out.
"""

import json
import os

import onnx
import onnxruntime
from onnx import defs
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

NEWEST = 26
REAL = ("tensor(float)", "tensor(double)", "tensor(float16)", "tensor(bfloat16)")


def has_real_output(outputs, constraints):
    """Whether any output may hold real numbers."""
    allowed = {name: types for name, types in constraints}
    return any(any(real in kind for real in REAL) for output in outputs for kind in allowed.get(output, [output]))


standard = {}
for schema in defs.get_all_schemas_with_history():
    if schema.domain != "" or schema.since_version > NEWEST:
        continue
    known = standard.get(schema.name)
    if known is None or known.since_version < schema.since_version:
        standard[schema.name] = schema

contrib = {schema.name: schema for schema in get_all_operator_schema() if schema.domain == "com.microsoft"}

def entries(schemas):
    return [{"name": name, "real": has_real_output([str(o.typeStr if hasattr(o, "typeStr") else o.type_str) for o in s.outputs],
                                                   [(str(c.type_param_str), [str(t) for t in c.allowed_type_strs]) for c in s.type_constraints])}
            for name, s in sorted(schemas.items())]


data = {
    "source": f"operator schemas of the Python packages onnx {onnx.__version__} (Apache-2.0; operator sets up to {NEWEST}) and onnxruntime {onnxruntime.__version__} (MIT; com.microsoft)",
    "onnx": entries(standard),
    "microsoft": entries(contrib),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "operators.json"), "w") as file:
    groups = []
    for key in ("onnx", "microsoft"):
        rows = ",\n".join("  " + json.dumps(entry) for entry in data[key])
        groups.append(f'"{key}": [\n{rows}\n]')
    file.write('{\n"source": ' + json.dumps(data["source"]) + ",\n" + ",\n".join(groups) + "\n}\n")
print(len(standard), len(contrib))
