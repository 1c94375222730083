"""Judges exported models that scripts/exports/main.js names: lines of JSON in, lines of JSON out.

    python judge.py check|onnxruntime|openvino

A request has the paths of an export (`model`) and of the model that it was made of (`plain`), and `cases`: tensors to feed and
the map that is expected, each a file of raw numbers with type and dims. `check` asks ONNX itself about the file, the others run it.
"""
import functools
import json
import sys

import numpy as np

MAP = "saliency_map"


def tensor(one: dict) -> np.ndarray:
    return np.fromfile(one["file"], one["type"]).reshape(one["dims"])


def compared(runs, request: dict) -> dict:
    """Largest difference of a map's value from what is expected; relative to their largest value, of the model's own outputs from
    the plain model's here, and of the plain model's from what this package's engine gives."""
    own, furthest, answer = 0.0, [], None
    for case in request["cases"]:
        feeds = {name: tensor(one) for name, one in case["feeds"].items()}
        names, values = runs(request["model"], feeds)
        plain_names, plain_values = plain_outputs(runs, request, {name: feeds[name] for name in feeds if name != "cam_class"})
        assert names == [*plain_names, MAP], f"outputs are {names}, of the model itself {plain_names}"
        if answer is None:
            expected = tensor(request["answer"]).astype(np.float64)
            answer = float(np.abs(plain_values[0][:1] - expected).max() / max(np.abs(expected).max(), 1e-3))
        for value, plain in zip(values, plain_values):
            assert value.dtype == plain.dtype and value.shape == plain.shape, f"{value.dtype}{value.shape}, not {plain.dtype}{plain.shape}"
            scale = max(float(np.abs(plain.astype(np.float64)).max(initial=0)), 1e-3)
            own = max(own, float(np.abs(value.astype(np.float64) - plain).max(initial=0)) / scale)
        found, expected = values[-1], tensor(case["expected"])
        assert found.dtype == request["type"], f"the map is {found.dtype}"
        assert list(found.shape) == case["expected"]["dims"], f"the map is {found.shape}, not {case['expected']['dims']}"
        assert np.isfinite(found.astype(np.float32)).all(), "the map has values that are no numbers"
        largest = 255 if found.dtype == np.uint8 else 1
        furthest.append(float(np.abs(found.astype(np.float64) / largest - expected).max()))
    return {"own": own, "map": furthest, "answer": answer}


def plain_outputs(runs, request: dict, feeds: dict) -> tuple[list[str], list[np.ndarray]]:
    """Of as many images at once as the plain model takes; where they are too few, the last one several times."""
    if request["batch"] is None:
        return runs(request["plain"], feeds)
    (name, images), *others = feeds.items()
    parts = []
    for start in range(0, len(images), request["batch"]):
        rows = np.minimum(np.arange(start, start + request["batch"]), len(images) - 1)
        names, values = runs(request["plain"], {name: images[rows], **dict(others)})
        parts.append([value[: len(images) - start] for value in values])
    return names, [np.concatenate(values) for values in zip(*parts)]


def onnxruntime_runs():
    import onnxruntime

    @functools.lru_cache(2)
    def session(path: str):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def runs(path: str, feeds: dict):
        one = session(path)
        return [output.name for output in one.get_outputs()], one.run(None, feeds)

    return onnxruntime.__version__, runs


def openvino_runs():
    import onnx
    import openvino

    core = openvino.Core()

    @functools.lru_cache(2)
    def compiled(path: str):
        declared = [output.name for output in onnx.load(path, load_external_data=False).graph.output]
        return core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}), declared

    def runs(path: str, feeds: dict):
        one, declared = compiled(path)
        # An output has several names, where nothing but an Identity makes it of another tensor.
        names = [next(name for name in declared if name in output.names) for output in one.outputs]
        answer = one(feeds)
        return names, [answer[output] for output in one.outputs]

    return openvino.__version__.split("-")[0], runs


def check(request: dict) -> dict:
    """The file is valid, its shapes can be found without those that it declares, and what was added is of the default domain."""
    import onnx

    onnx.checker.check_model(request["model"], full_check=True)
    model, plain = (onnx.load(request[key], load_external_data=False) for key in ("model", "plain"))
    own = {tuple(node.output) for node in plain.graph.node}
    foreign = {f"{node.domain}.{node.op_type}" for node in model.graph.node
               if node.domain not in ("", "ai.onnx") and tuple(node.output) not in own}
    assert not foreign, f"nodes of other domains were added: {sorted(foreign)}"
    opsets = [{one.domain: one.version for one in proto.opset_import} for proto in (model, plain)]
    assert all(opsets[0].get(domain, version) == version for domain, version in opsets[1].items()), f"opsets are {opsets[0]}, were {opsets[1]}"
    outputs = [output.name for output in model.graph.output]
    assert outputs == [*(output.name for output in plain.graph.output), MAP], f"outputs are {outputs}"
    kept = [kept_of(value) for value in model.graph.output[:-1]] == [kept_of(value) for value in plain.graph.output]
    declared = dims_of(model.graph.output[-1])
    model.graph.output[-1].type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    inferred = dims_of(onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph.output[-1])
    assert len(declared) == 4 and declared[1] == 1, f"the map declares {declared}"
    differ = [(a, b) for a, b in zip(declared, inferred) if isinstance(a, int) and isinstance(b, int) and a != b]
    assert len(inferred) == 4 and not differ, f"the map declares {declared}, inferred is {inferred}"
    unknown = [i for i in (1, 2, 3) if isinstance(declared[i], int) and not isinstance(inferred[i], int)]
    return {"own": 0 if kept else 1, "map": [], "declared": declared, "inferred": inferred, "unknown": unknown}


def kept_of(value) -> tuple:
    """An output's declaration without the number of images, which may become open."""
    return value.name, value.type.tensor_type.elem_type, dims_of(value)[1:]


def dims_of(value) -> list:
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in value.type.tensor_type.shape.dim]


def main(kind: str) -> None:
    if kind == "check":
        import onnx

        version, judge = onnx.__version__, check
    else:
        version, runs = {"onnxruntime": onnxruntime_runs, "openvino": openvino_runs}[kind]()
        judge = functools.partial(compared, runs)
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        try:
            answer = judge(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
