"""``python -m tests.fuzz [folders or files] [options of libFuzzer]``.

Coverage-guided (atheris), over the plane as plain Python. Without folders it begins with the corpus
here, and keeps what it learns in ``rodrun-fuzz`` among the temporary folders. What it finds is
written to the working directory as ``crash-…``; give that file as argument to see it again.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"  # before numba is imported

import atheris

with atheris.instrument_imports(include=["sfu.plane", "sfu.transport", "sfu.native"]):
    from tests.fuzz.target import make_target

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    """The command line; libFuzzer ends the process."""
    arguments = sys.argv[1:]
    if all(each.startswith("-") for each in arguments):
        learned = Path(tempfile.gettempdir()) / "rodrun-fuzz"  # the first folder takes new inputs
        learned.mkdir(exist_ok=True)
        arguments += [str(learned), str(CORPUS)]
    atheris.Setup([sys.argv[0], *arguments], make_target())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
