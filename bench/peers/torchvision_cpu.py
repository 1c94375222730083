"""Import before torchvision where torchvision's wheel was built for CUDA and torch for CPU (or the other way round).

torchvision's Python part describes its compiled detection operators at import and fails when their library did not
load. Models and transforms need none of them: empty declarations of the operators are enough. Where the library does
load, this module changes nothing.
"""
import importlib.util
import re
from pathlib import Path

import torch


def _declare() -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")
    source = Path(importlib.util.find_spec("torchvision").origin).with_name("_meta_registrations.py").read_text()
    names = set(re.findall(r"torchvision::(\w+)", source)) | set(re.findall(r'register_meta\("(\w+)"', source))
    for name in sorted(names):
        library.define(f"{name}(Tensor input) -> Tensor")
    return library


def _library_loads() -> bool:
    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    for path in folder.glob("_C*"):
        try:
            torch.ops.load_library(str(path))
            return True
        except OSError:
            continue
    return False


if not _library_loads():
    _kept = _declare()
