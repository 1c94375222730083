#!/usr/bin/env bash
# On a machine with a GPU: the kernels against those of the CPU on the hardware (test/native/cuda_kernels.cpp, by itself and
# under each tool of compute-sanitizer), then test/cuda. Needs what scripts/build-cuda.sh needs, and the built addon.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build-cuda.sh
build-cuda/cuda_kernels
for tool in memcheck racecheck initcheck synccheck; do
  if command -v compute-sanitizer >/dev/null; then
    compute-sanitizer --tool "$tool" --error-exitcode 1 build-cuda/cuda_kernels
  else
    echo "compute-sanitizer is not installed: $tool was not run"
  fi
done
npx vitest run test/cuda
