"""Forward passes of exported models beside the plain one in ONNX Runtime and OpenVINO, for bench/export.js.

    python bench/peers/export_peers.py --threads N --rounds N [--cpu-time] PLAIN.onnx EXPORT.onnx …

Prints a line of JSON for each runtime: median milliseconds of the plain model, and for each export the median of the ratios round
by round. Inputs of open size take one picture of 224 × 224.
"""
import argparse
import json
import statistics
import time

import numpy as np
import onnx
import onnxruntime
import openvino

WARMUPS = 3


def feeds_of(path: str) -> dict[str, np.ndarray]:
    model = onnx.load(path, load_external_data=False)
    random = np.random.default_rng(0)
    feeds = {}
    for value in model.graph.input:
        kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if kind == np.float32:
            feeds[value.name] = random.standard_normal((1, 3, 224, 224), np.float32)
        elif kind == np.uint8:
            feeds[value.name] = random.integers(0, 256, (1, 224, 224, 3), np.uint8)
        else:
            feeds[value.name] = np.full([size or 1 for size in dims], -1, kind)
    return feeds


def in_onnxruntime(path: str, threads: int):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads of one session would spin on into the run of the next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = feeds_of(path)
    return lambda: session.run(None, feeds)


def in_openvino(path: str, threads: int):
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = openvino.Core().compile_model(path, "CPU", hints).create_infer_request()
    feeds = feeds_of(path)
    return lambda: request.infer(feeds)


def measure(open_model, paths: list[str], threads: int, rounds: int, clock) -> dict:
    runs = [open_model(path, threads) for path in paths]
    times: list[list[float]] = [[] for _ in runs]
    for done in range(-WARMUPS, rounds):
        for run, one in zip(runs, times):
            start = clock()
            run()
            if done >= 0:
                one.append(1000 * (clock() - start))
    plain, *exports = times
    ratios = [statistics.median(a / b for a, b in zip(one, plain)) for one in exports]
    return {"plain": statistics.median(plain), "ratios": ratios}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("paths", nargs="+")
    given = parser.parse_args()
    clock = time.process_time if given.cpu_time else time.perf_counter
    for runtime, open_model in {f"onnxruntime {onnxruntime.__version__} (Python)": in_onnxruntime,
                                f"openvino {openvino.__version__.split('-')[0]}": in_openvino}.items():
        result = measure(open_model, given.paths, given.threads, given.rounds, clock)
        print(json.dumps({"runtime": runtime, **result}), flush=True)
