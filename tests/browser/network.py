"""Machines of our own: network namespaces joined by a switch whose cables can be pulled.

Firefox gathers no loopback candidates, and a network that fails needs a network, so a server and
two browsers get a namespace each:

    server 10.99.0.1 (and the switch) ─┬─ chromium 10.99.0.2
                                       └─ firefox 10.99.0.3

and the same in IPv6, fd00:99::1 and so on.

Needs root or unprivileged user namespaces. A namespace lives as long as the process that holds
it, and that ends with the tests however they end, so nothing is left behind.
"""

import os
import subprocess
from types import TracebackType
from typing import Self

SERVER_ADDRESS = "10.99.0.1"
SERVER_ADDRESS_6 = "fd00:99::1"
# Names of the machines of the tests, after the browser that is on them.
CHROMIUM_HOST, FIREFOX_HOST = "chromium", "firefox"

UDP_NOWHERE = ("pref", "1", "ipproto", "udp", "blackhole")

HOW_TO_ALLOW = """\
The browser tests could not make a network namespace. Run them as root, or allow unprivileged user
namespaces, on Debian and Ubuntu with one or both of:
    sudo sysctl -w kernel.unprivileged_userns_clone=1
    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"""


class NetworkUnavailable(Exception):
    """This machine does not let us make a network; the text says what to do."""


class Namespace:
    """A network namespace, and how to run a command in it.

    Args:
        inside: a namespace of the same user namespace, for the second and later ones of an
            unprivileged user.
    """

    def __init__(self, inside: "Namespace | None" = None) -> None:
        self._user = os.geteuid() != 0
        make = ["unshare", "--net"]
        if self._user and inside is None:
            make = ["unshare", "--user", "--map-root-user", "--net"]
        enter = inside.enter if self._user and inside is not None else []
        # `cat` ends when our end of its standard input goes, which it does when we die.
        self._holder = subprocess.Popen(
            [*enter, *make, "sh", "-c", "ip link set lo up && echo ready && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            _, stderr = self._holder.communicate()
            raise NetworkUnavailable(f"{HOW_TO_ALLOW}\n\nIt said: {stderr.strip()}")

    @property
    def pid(self) -> int:
        """The process that holds the namespace."""
        return self._holder.pid

    @property
    def enter(self) -> list[str]:
        """The words before a command that make it run in this namespace."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        return ["nsenter", "--target", str(self.pid), *user, "--net"]

    def run(self, *command: str) -> None:
        """Run a command in the namespace and wait for it; it must succeed."""
        done = subprocess.run([*self.enter, *command], capture_output=True, text=True)
        if done.returncode != 0:
            raise NetworkUnavailable(f"{' '.join(command)}: {done.stderr.strip()}\n{HOW_TO_ALLOW}")

    def add_addresses(self, interface: str, number: int) -> None:
        """Give an interface its addresses on the network, ready to use."""
        self.run("ip", "addr", "add", f"10.99.0.{number}/24", "dev", interface)
        self.run("ip", "addr", "add", f"fd00:99::{number}/64", "dev", interface, "nodad")

    def close(self) -> None:
        """End the namespace, with the interfaces in it."""
        self._holder.communicate()


class Network:
    """The switch, the server's namespace it is in, and the namespaces joined to it."""

    def __init__(self) -> None:
        self.server = Namespace()
        self._hosts: dict[str, Namespace] = {}
        self._addresses: dict[str, str] = {}
        # Where cables go that are pulled out. Hardware addresses of their own, for by itself a
        # bridge takes one of its ports', and then hands the server what comes in there.
        for name, number in (("switch", 1), ("nowhere", 2)):
            address = f"02:00:00:00:00:0{number}"
            self.server.run("ip", "link", "add", name, "address", address, "type", "bridge")
            self.server.run("ip", "link", "set", name, "up")
        self.server.add_addresses("switch", 1)

    def join(self, name: str) -> Namespace:
        """A new machine on the network. ``name`` has at most 10 letters."""
        host = Namespace(inside=self.server)
        self._hosts[name] = host
        self._addresses[name] = f"10.99.0.{len(self._hosts) + 1}"
        port = f"to-{name}"
        self.server.run(
            *("ip", "link", "add", port, "type", "veth"),
            *("peer", "name", "eth0", "netns", str(host.pid)),
        )
        self.server.run("ip", "link", "set", port, "up")
        host.run("ip", "link", "set", "eth0", "up")
        host.add_addresses("eth0", len(self._hosts) + 1)
        host.run("ip", "route", "add", "default", "via", SERVER_ADDRESS)
        host.run("ip", "-6", "route", "add", "default", "via", SERVER_ADDRESS_6)
        self.plug_in(name)
        return host

    def host(self, name: str) -> Namespace:
        """The namespace of a machine that was joined."""
        return self._hosts[name]

    def address(self, name: str) -> str:
        """The address of a machine that was joined."""
        return self._addresses[name]

    def pull_out(self, name: str) -> None:
        """Cut a machine off in silence: its link stays up and its packets go nowhere."""
        self.server.run("ip", "link", "set", f"to-{name}", "master", "nowhere")

    def plug_in(self, name: str) -> None:
        """Join a machine that was cut off to the switch again."""
        self.server.run("ip", "link", "set", f"to-{name}", "master", "switch")

    def narrow(self, name: str, kbit_s: int) -> None:
        """Let only so much through to a machine: a token bucket behind a queue of 300 ms."""
        bucket = ("rate", f"{kbit_s}kbit", "burst", "3000", "latency", "300ms")
        self.server.run("tc", "qdisc", "add", "dev", f"to-{name}", "root", "tbf", *bucket)

    def widen(self, name: str) -> None:
        """Let everything through to a machine again."""
        self.server.run("tc", "qdisc", "del", "dev", f"to-{name}", "root")

    def block_udp(self, name: str) -> None:
        """Let a machine send no UDP, as behind a strict firewall; TCP goes on."""
        for family in ("-4", "-6"):
            self.host(name).run("ip", family, "rule", "add", *UDP_NOWHERE)

    def allow_udp(self, name: str) -> None:
        """Let a machine send UDP again."""
        for family in ("-4", "-6"):
            self.host(name).run("ip", family, "rule", "del", *UDP_NOWHERE)

    def close(self) -> None:
        """End all namespaces of the network."""
        for host in self._hosts.values():
            host.close()
        self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
