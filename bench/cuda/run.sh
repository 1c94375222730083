#!/usr/bin/env bash
# All measurements on a GPU in one run on one machine: kernels against a copy, plain forward
# passes, our methods, the Python tools. Each part goes on when another fails; the log says which did.
#   bench/cuda/run.sh [FOLDER for the model, default: a temporary one]
# Needs a GPU, the CUDA provider (onnx-cam doctor), nvcc, and a Python with torch, torchvision, grad-cam and torchcam.
set -uo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-$(mktemp -d)}
library=${ONNX_CAM_ORT_LIBRARY:?name the folder or file of ONNX Runtime with its CUDA provider}
if [ -d "$library" ]; then library=$library/libonnxruntime.so.1; fi

part() {
  printf '\n== %s\n' "$*"
  "$@" || echo "FAILED ($?): $*"
}
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv
part scripts/build-cuda.sh
part build-cuda/cuda_bench
part python3 bench/cuda/export_models.py "$folder"
for batch in 64 128 256; do
  for options in use_tf32=0 use_tf32=1 "use_tf32=1 prefer_nhwc=1"; do
    # shellcheck disable=SC2086
    ONNX_CAM_ORT_LIBRARY=$library part build-cuda/cuda_bench "$folder/resnet50.onnx" "$batch" $options
  done
done
part node bench/cuda/half_model.js "$folder/resnet50.onnx" "$folder/resnet50-fp16.onnx"
for batch in 64 128 256; do
  for options in prefer_nhwc=0 prefer_nhwc=1; do
    ONNX_CAM_ORT_LIBRARY=$library part build-cuda/cuda_bench "$folder/resnet50-fp16.onnx" "$batch" "$options"
  done
done
part node bench/cuda/methods.js "$folder/resnet50.onnx" --picture assets/pictures/coffee.jpg
part node bench/cuda/methods.js "$folder/resnet50.onnx" --nhwc
part python3 bench/cuda/peers.py
