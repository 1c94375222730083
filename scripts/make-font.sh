#!/usr/bin/env bash
# Makes assets/fonts/DejaVuSans.ttf: Latin, Greek and Cyrillic letters, digits, punctuation and arrows of DejaVu Sans, for captions on
# machines without fonts. Needs npm and Python 3 with fonttools (`pip install fonttools`).
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm pack dejavu-fonts-ttf@2.37.3 --silent --pack-destination "$scratch"
tar -xzf "$scratch"/*.tgz -C "$scratch"
mkdir -p assets/fonts
"${PYTHON:-python3}" -m fontTools.subset "$scratch/package/ttf/DejaVuSans.ttf" --output-file=assets/fonts/DejaVuSans.ttf \
  --unicodes=U+0020-007E,U+00A0-024F,U+0370-03FF,U+0400-045F,U+2010-2027,U+2190-2193,U+2212,U+2713 --no-hinting \
  --layout-features= --name-IDs=0,1,2,3,4,5,6,13,14
cp "$scratch/package/LICENSE" assets/fonts/LICENSE-DejaVu
