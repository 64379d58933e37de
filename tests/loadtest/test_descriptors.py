import subprocess
import sys

import pytest

TRY = """
import resource, sys
from loadtest.api import CannotBegin
from loadtest.descriptors import allow_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (350, 900))
try:
    allow_descriptors(int(sys.argv[1]))
    print(*resource.getrlimit(resource.RLIMIT_NOFILE))
except CannotBegin as refused:
    print(refused)
"""


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ("5", "350 900"),
        ("100", "800 900"),
        ("200", "200 calls need some 1300 open files, and this process may have 900"),
    ],
)
def test_as_many_descriptors_as_the_calls_need_or_one_line(calls: str, said: str) -> None:
    """In a process of its own: a hard limit is not raised again."""
    done = subprocess.run(
        [sys.executable, "-c", TRY, calls], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().startswith(said)
