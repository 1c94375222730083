#!/usr/bin/env bash
# One machine, several processes, by GNU parallel. Started again after whatever ended it, it goes on.
#
#   ./parallel.sh MODEL OUT INPUT... [OPTION...]      e.g. ./parallel.sh model.onnx out photos -m layer-cam
#   ./parallel.sh MODEL OUT --inputs-from LIST        a name on each line
#
# PARTS processes (4). A second start must have the same PARTS and options: parts of another division are refused.
# Ends with 0: all done; 1: some pictures failed; 2: parts did not end, OUT/joblog.tsv says which; start it again.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 out=$2
shift 2

parts=${PARTS:-4}
# Each process would take all cores otherwise.
threads=$(($(nproc) / parts))
[ "$threads" -ge 1 ] || threads=1

part() {
  local code=0
  onnx-cam explain "$@" || code=$?
  # 1: some pictures failed and are in the manifest with the reason. Another try would not change that.
  [ "$code" -ne 1 ] || code=0
  return "$code"
}
export -f part

mkdir -p "$out"
# --quote: names with spaces stay whole. --retries: a part that was killed (137: out of memory) goes on by --resume. --halt: where many
# parts fail like that, something is wrong with all, and no further ones are begun.
# The function is bash's, whatever shell this was started from.
export PARALLEL_SHELL=$BASH
parallel --quote --jobs "$parts" --retries 3 --halt soon,fail=30% \
  --joblog "$out/joblog.tsv" --line-buffer \
  part "$model" "$@" --out "$out" --shard "{}/$parts" --resume --threads "$threads" \
  ::: $(seq "$parts") || { echo "parts did not end, see $out/joblog.tsv; start this again to go on" >&2; exit 2; }

onnx-cam report "$out"
# Lines of failed pictures hold an error; `onnx-cam explain ... --retry-failed` does them again when the cause is gone.
if grep --quiet '"error":{' "$out"/manifest-*of"$parts".jsonl; then
  echo "some pictures failed; their reasons: grep '\"error\":{' $out/manifest-*.jsonl" >&2
  exit 1
fi
