"""The proxy on real sockets, small."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.impairment import log
from benchmarks.impairment.__main__ import host_and_port, impairment, main, parser
from benchmarks.impairment.line import Client, Direction, Impairment, Jitter, Lines
from benchmarks.impairment.proxy import Lateness, Proxy, carry_out


def open_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(5)
    return opened


def test_two_clients_reach_the_node_from_addresses_of_their_own_and_are_logged(
    tmp_path: Path,
) -> None:
    lines = Lines(1)
    lines.impair(Direction.UP, Impairment(delay_ms=10))
    path = tmp_path / "log"
    with (
        path.open("wb") as journal,
        open_socket() as node,
        open_socket() as one,
        open_socket() as two,
        Proxy(("127.0.0.1", 0), node.getsockname(), lines, journal) as proxy,
    ):
        running = threading.Thread(target=proxy.run, args=(time.time_ns() + 1_000_000_000,))
        running.start()
        seen = {}
        for client, words in ((one, b"one"), (two, b"two")):
            client.sendto(words, proxy.address)
            data, seen[words] = node.recvfrom(100)
            assert data == words
            node.sendto(b"to " + words, seen[words])
            assert client.recvfrom(100) == (b"to " + words, proxy.address)
        one.sendto(b"again", proxy.address)
        assert node.recvfrom(100) == (b"again", seen[b"one"])
        running.join()
        summary = proxy.summary()
    assert seen[b"one"] != seen[b"two"]
    assert [(each["up"], each["down"]) for each in summary["clients"]] == [  # type: ignore[attr-defined]
        ({"sent": 2}, {"sent": 1}),
        ({"sent": 1}, {"sent": 1}),
    ]
    records = log.read_log(path)
    assert len(records) == 5
    assert (records["sent_ns"] >= records["due_ns"]).all()
    up = records[records["direction"] == Direction.UP]
    assert (up["due_ns"] - up["arrived_ns"] == 10_000_000).all()


def test_the_command_takes_changes_and_ends_with_its_input(tmp_path: Path) -> None:
    with open_socket() as node, open_socket() as client:
        port = node.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.impairment", "--follow"]
        with subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            address = tuple(json.loads(process.stdout.readline())["listening"])
            client.sendto(b"heard", address)
            assert node.recv(100) == b"heard"
            process.stdin.write(json.dumps({"up": {"loss_pct": 100}}) + "\n")
            process.stdin.flush()
            node.settimeout(0.3)
            with suppress(TimeoutError):
                while True:  # until the change has been read
                    client.sendto(b"lost", address)
                    node.recv(100)
            process.stdin.close()
            summary = json.loads(process.stdout.read())
        assert process.returncode == 0
        assert summary["clients"][0]["up"]["lost"] >= 1


def test_a_change_that_comes_in_two_parts_counts_once_it_is_whole() -> None:
    lines = Lines(1)
    reading, writing = os.pipe()

    def run_after(written: bytes) -> float:
        os.write(writing, written)
        proxy.run(time.time_ns() + 20_000_000, reading)
        return lines.impairment(Client(0, "10.99.0.2", 40000), Direction.UP).loss_pct

    try:
        with open_socket() as node, Proxy(("127.0.0.1", 0), node.getsockname(), lines) as proxy:
            assert run_after(b'{"up": {"loss') == 0
            assert run_after(b'_pct": 5}}\n{"down": ') == 5
    finally:
        os.close(reading)
        os.close(writing)


def test_the_command_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with open_socket() as node:
        port = node.getsockname()[1]
        arguments = ["--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{port}", "--seconds", "0.1"]
        assert main(arguments) == 0
    listening, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert listening["listening"][0] == "127.0.0.1"
    assert summary["clients"] == []


def test_options_become_impairments() -> None:
    text = "--listen [::1]:7878 --to 127.0.0.1:7878 --loss-up 5 --delay-down 25 --jitter-down 3"
    options = parser().parse_args([*text.split(), "--jitter-distribution", "normal"])
    assert options.listen == ("::1", 7878)
    assert impairment(options, Direction.UP) == Impairment(loss_pct=5, jitter=Jitter.NORMAL)
    assert impairment(options, Direction.DOWN) == Impairment(
        delay_ms=25, jitter_ms=3, jitter=Jitter.NORMAL
    )
    with pytest.raises(Exception, match="HOST:PORT"):
        host_and_port("nowhere")


def test_a_line_of_json_changes_one_socket_one_host_or_everyone() -> None:
    lines = Lines(1)
    mine, beside, other = (
        Client(number, host, port)
        for number, (host, port) in enumerate(
            [("10.99.0.2", 40000), ("10.99.0.2", 40001), ("10.99.0.3", 40000)]
        )
    )
    carry_out(lines, '{"up": {"loss_pct": 5}}')
    carry_out(lines, '{"down": {"jitter_ms": 5, "jitter": "normal"}, "host": "10.99.0.2"}')
    carry_out(lines, '{"up": {"delay_ms": 9}, "host": "10.99.0.2", "port": 40000}')
    assert lines.impairment(mine, Direction.UP) == Impairment(delay_ms=9)
    assert lines.impairment(mine, Direction.DOWN).jitter == Jitter.NORMAL
    assert lines.impairment(beside, Direction.UP) == Impairment(loss_pct=5)
    assert lines.impairment(other, Direction.DOWN) == Impairment()


def test_percentiles_of_lateness() -> None:
    late = Lateness()
    assert late.percentile_us(99) == 0
    for microseconds in range(100):
        late.add(microseconds * 1000)
    assert late.percentile_us(50) == 60
    assert late.percentile_us(99) == 100
    assert late.max_us == 99
