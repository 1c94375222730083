#!/usr/bin/env bash
# Builds the native tests (test/native/*.cpp) under AddressSanitizer and UndefinedBehaviorSanitizer and runs them; then
# those about threads under ThreadSanitizer. Needs g++ or clang++, CMake and the installed npm packages.
#   scripts/test-native.sh [ctest options, e.g. -R kernels]
set -euo pipefail
cd "$(dirname "$0")/.."

library=$(node -p "
  const { readdirSync } = require('node:fs');
  const bin = require('node:path').join(require.resolve('onnxruntime-node/package.json'), '..', 'bin');
  const folder = \`\${bin}/\${readdirSync(bin)[0]}/\${process.platform}/\${process.arch}\`;
  \`\${folder}/\${readdirSync(folder).find(name => /^libonnxruntime\.(so|1\.dylib|.*\.so)/.test(name))}\`")
export ORT_DISABLE_TELEMETRY=1

build_and_test() { # name sanitizers [ctest options]
  local name=$1 sanitizers=$2
  shift 2
  cmake -S test/native -B "build-native-$name" -DSANITIZE="$sanitizers" -DONNXRUNTIME_LIBRARY="$library" >/dev/null
  cmake --build "build-native-$name" --parallel 2
  ctest --test-dir "build-native-$name" --output-on-failure "$@"
}

# ONNX Runtime keeps some allocations until the process ends; what we leak ourselves is still reported.
suppressions=$(mktemp)
trap 'rm -f "$suppressions"' EXIT
echo 'leak:libonnxruntime' >"$suppressions"
LSAN_OPTIONS="suppressions=$suppressions:print_suppressions=0" UBSAN_OPTIONS=print_stacktrace=1 \
  build_and_test asan address,undefined "$@"
# ONNX Runtime itself is not instrumented, so only tests that stay in our own code.
build_and_test tsan thread -R 'threads' "$@"
