"""The command line that the makers of the zoo share."""
import argparse
from collections.abc import Callable, Iterable
from pathlib import Path


def make_each(description: str, known: Iterable[str], make: Callable[[Path, str], None]) -> None:
    """Makes the networks named on the command line, or all known ones, in the folder `--out`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="name")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or known:
        make(options.out, name)
