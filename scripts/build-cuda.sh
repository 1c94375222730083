#!/usr/bin/env bash
# Builds the programs that need a GPU to run, which itself takes none: build-cuda/cuda_kernels (test/native/cuda_kernels.cpp)
# and build-cuda/cuda_bench (bench/cuda/native.cpp). Needs nvcc, a C++20 compiler and the installed npm packages.
#   scripts/build-cuda.sh        ONNXRUNTIME_INCLUDE_DIR names ONNX Runtime's headers where the npm package is not installed
set -euo pipefail
cd "$(dirname "$0")/.."

headers=${ONNXRUNTIME_INCLUDE_DIR:-node_modules/com.github.asus4.onnxruntime/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers}
toolkit=$(dirname "$(dirname "$(readlink -f "$(command -v nvcc)")")")
include=$toolkit/include
if [ ! -f "$include/cuda_runtime.h" ]; then include=/usr/local/cuda/include; fi
architecture=sm_90
if nvidia-smi >/dev/null 2>&1; then architecture=native; fi

mkdir -p build-cuda
for file in native/kernels/*/*.cu native/scoring/*.cu; do echo "#include \"$PWD/$file\""; done >build-cuda/kernels.cu
nvcc -std=c++17 -O3 -lineinfo -arch="$architecture" -I native -c -o build-cuda/kernels.o build-cuda/kernels.cu

compile() { # source
  local object
  object=build-cuda/$(tr / _ <<<"$1").o
  if [ ! -f "$object" ] || [ "$1" -nt "$object" ]; then
    c++ -std=c++20 -O2 -g -DONNX_CAM_CUDA -DORT_API_MANUAL_INIT -I native -isystem "$headers" -isystem "$include" \
      -I test/native -c "$1" -o "$object"
  fi
  objects+=("$object")
}
objects=()
for source in native/{kernels/*,runtime,engine,device,scoring}/*.cpp; do compile "$source"; done
shared=("${objects[@]}")
for program in cuda_kernels:test/native/cuda_kernels.cpp cuda_bench:bench/cuda/native.cpp; do
  objects=()
  compile "${program#*:}"
  nvcc -arch="$architecture" -o "build-cuda/${program%%:*}" build-cuda/kernels.o "${objects[@]}" "${shared[@]}" -lpthread -ldl
done
