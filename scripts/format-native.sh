#!/usr/bin/env bash
# Formats the C++ sources with clang-format of a pinned version (a Python package, installed into .venv on first need).
#   scripts/format-native.sh [--check]     with --check nothing is changed; fails when something would be
set -euo pipefail
cd "$(dirname "$0")/.."

version=21.1.2
formatter=.venv/bin/clang-format
if ! "$formatter" --version 2>/dev/null | grep -qF "$version"; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "clang-format==$version"
fi
mode=(-i)
if [ "${1:-}" = --check ]; then mode=(--dry-run -Werror); fi
git ls-files --cached --others --exclude-standard native test/native bench | grep -E '\.(cpp|hpp|inl|cu|cuh|h)$' |
  xargs "$formatter" "${mode[@]}"
