#!/usr/bin/env bash
# Packs this checkout for a GPU machine that reaches no package registry: Node, the packages needed at run time and by the
# tests, ONNX Runtime with its CUDA provider, the built addon and dist/.
#   scripts/pack-cuda.sh OUT_DIR      writes OUT_DIR/part-aa, -ab, … of 52 MB each; build first (npm run prepare)
# There:
#   mkdir -p /opt/onnx-cam && cat part-* | xz -dc | tar x -C /opt/onnx-cam && export PATH=/opt/onnx-cam/bin:$PATH
#   cuda=$(python3 -c "import nvidia; print(list(nvidia.__path__)[0])")     # CUDA 13 and cuDNN 9 as PyTorch brings them
#   export LD_LIBRARY_PATH=$cuda/cu13/lib:$cuda/cudnn/lib ONNX_CAM_ORT_LIBRARY=/opt/onnx-cam/ort
#   cd /opt/onnx-cam/repository && node dist/cli/main.js doctor && bench/cuda/run.sh
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
[ -f build/Release/onnx_cam.node ] && [ -d dist ] || { echo "build first: npm run prepare" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir -p "$tree"/{bin,ort,repository}
cp "$(command -v node)" "$tree/bin/node"
(cd "$scratch" && npm pack --silent com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9 >/dev/null &&
  tar xzf com.github.asus4.onnxruntime.linux-x64-gpu-*.tgz)
find "$scratch/package" -name 'libonnxruntime_providers_*.so' ! -name '*tensorrt*' -exec cp {} "$tree/ort/" \;
cp node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1 "$tree/ort/"
git ls-files -z | tar c --null -T - | tar x -C "$tree/repository"
cp -r build dist "$tree/repository/"
rm -rf "$tree/repository/build/CMakeFiles"
# Not the rivals of other benchmarks, nor the headers' package: of that only the headers are needed.
tar c --exclude='node_modules/@tensorflow' --exclude='node_modules/onnxruntime-web' --exclude='node_modules/com.github.*' \
  --exclude='node_modules/onnxruntime-node/bin/napi-v*/[dw]*' node_modules/ | tar x -C "$tree/repository"
headers='node_modules/com.github.asus4.onnxruntime/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers'
mkdir -p "$tree/repository/$headers"
cp "$headers"/*.h "$tree/repository/$headers/"
tar c -C "$tree" . | xz -T2 -6 | split -b 52000000 - "$out/part-"
ls -l "$out"
