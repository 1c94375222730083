#!/usr/bin/env bash
# Which versions of onnxruntime-node work? Installs each into a temporary folder and runs the engine's tests on it.
#   scripts/try-ort-versions.sh 1.20.1 1.29.0 …
# Oldest and newest that work at the time of writing: 1.18.0 (the oldest API the engine uses) and 1.30.0; keep the range
# in package.json in step.
# Needs a built addon (npm run build:native) and access to a package registry. Prints a table; exit 1 if one fails.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy of what the tests need. Everything but onnxruntime-node comes from the repository's own node_modules.
cp -r "$root"/{package.json,tsconfig.json,lib} "$work"
echo "export default { test: { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } }" >"$work/vitest.config.js"
mkdir -p "$work/build" "$work/test"
cp -r "$root/build/Release" "$work/build"
cp -r "$root"/test/{engine,helpers} "$work/test"

failed=0
printf '%-10s %-8s %s\n' version result tests
for version in "$@"; do
  rm -rf "$work/node_modules" "$work/try"
  mkdir "$work/try"
  if ! (cd "$work/try" && echo '{}' >package.json &&
    npm install --ignore-scripts --no-audit --no-fund --loglevel=error "onnxruntime-node@$version") >"$work/log" 2>&1; then
    printf '%-10s %-8s %s\n' "$version" '-' 'could not be installed'
    failed=1
    continue
  fi
  mv "$work/try/node_modules" "$work/node_modules"
  for package in "$root"/node_modules/*; do
    [ -e "$work/node_modules/$(basename "$package")" ] || ln -s "$package" "$work/node_modules/"
  done
  if (cd "$work" && NO_COLOR=1 node node_modules/vitest/vitest.mjs run test/engine) >"$work/log" 2>&1; then result=works; else
    result=fails
    failed=1
  fi
  printf '%-10s %-8s %s\n' "$version" "$result" "$(sed -n 's/^ *Tests *//p' "$work/log")"
  grep -E '^ FAIL ' "$work/log" | sed 's/^/  /' || true
  [ -z "${VERBOSE:-}" ] || cat "$work/log"
done
exit "$failed"
