"""A network of our own: Janus gathers no loopback candidates, so all servers get an address.

The benchmark runs itself again in a new network namespace. The address is that of a virtual
Ethernet interface; packets between addresses of one machine take the kernel's loopback path, so it
costs each forwarder what 127.0.0.1 would.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

HOST: Final = "198.18.0.1"  # RFC 2544: for benchmarks
_MARK: Final = "RODRUN_PEERS_NAMESPACE"
_SET_UP: Final = f"""\
PATH="$PATH:/usr/sbin:/sbin"
ip link set lo up
ip link add peers0 type veth peer name peers1
ip addr add {HOST}/24 dev peers0
ip link set peers0 up
ip link set peers1 up
exec "$@"
"""


def inside() -> bool:
    """Whether this process is in the namespace."""
    return _MARK in os.environ


def enter(module: str, arguments: Sequence[str]) -> None:
    """Run ``module`` again in the namespace, in place of this process.

    Needs root or unprivileged user namespaces; ``unshare`` says so and fails.
    """
    make = ["unshare", "--net"]
    if os.geteuid() != 0:
        make += ["--user", "--map-root-user"]
    command = [*make, "sh", "-ec", _SET_UP, "sh", sys.executable, "-m", module, *arguments]
    sys.stdout.flush()
    os.execvpe(command[0], command, {**os.environ, _MARK: "1"})
