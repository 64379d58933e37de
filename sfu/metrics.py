"""What a worker has counted, for Prometheus."""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sfu.server import WorkerCounts

SOCKET_OVERFLOW = "socket_overflow"


class Counting(Protocol):
    """What a ``Worker`` is to its metrics."""

    def counts(self) -> WorkerCounts:
        """What has been counted up to now."""
        ...


class WorkerCollector(Collector):
    """Reads a worker's counts when Prometheus asks; register it and nothing else is to be done.

    The names of metrics begin with ``rodrun_`` and carry their unit. Directions are the node's.
    """

    def __init__(self, worker: Counting) -> None:
        self._worker = worker

    def describe(self) -> list[Metric]:
        """Nothing: so that registering does not ask a worker that may not run yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The counts of this moment."""
        counts = self._worker.counts()
        yield GaugeMetricFamily("rodrun_rooms", "Rooms that are open.", counts.rooms)
        participants = GaugeMetricFamily(
            "rodrun_participants", "Connections that are joining or connected.", labels=["state"]
        )
        participants.add_metric(["joining"], counts.joining)
        participants.add_metric(["connected"], counts.connected)
        yield participants
        yield _by_direction(
            "rodrun_media_packets",
            "SRTP and SRTCP packets, authentic ones from browsers and those sent to them.",
            counts.packets_in,
            counts.packets_out,
        )
        yield _by_direction(
            "rodrun_media_bytes",
            "UDP payload of these packets.",
            counts.octets_in,
            counts.octets_out,
        )
        drops = CounterMetricFamily(
            "rodrun_dropped_packets",
            "Datagrams that went no further, by reason.",
            labels=["reason"],
        )
        for reason, number in sorted(counts.drops.items()):
            if reason != SOCKET_OVERFLOW:
                drops.add_metric([reason], number)
        yield drops
        yield CounterMetricFamily(
            "rodrun_socket_overflow_packets",
            "Datagrams that the kernel dropped because the socket's buffer was full.",
            counts.drops.get(SOCKET_OVERFLOW, 0),
        )
        events = CounterMetricFamily(
            "rodrun_plane_events",
            "What else the forwarding plane has counted, bounds that were reached among it.",
            labels=["event"],
        )
        for event, number in sorted(counts.plane_events.items()):
            events.add_metric([event], number)
        yield events
        handshakes = CounterMetricFamily(
            "rodrun_handshakes",
            "DTLS handshakes that ended, by SRTP profile or as failed.",
            labels=["outcome"],
        )
        for outcome, number in sorted(counts.handshakes.items()):
            handshakes.add_metric([outcome], number)
        yield handshakes
        refused = CounterMetricFamily(
            "rodrun_refused_requests",
            "Requests of control that were not carried out, by the code of the refusal.",
            labels=["code"],
        )
        for code, number in sorted(counts.refused.items()):
            refused.add_metric([code], number)
        yield refused
        yield GaugeMetricFamily(
            "rodrun_waiting_commands",
            "Commands that wait for the forwarding plane; joins are refused beyond a thousand.",
            counts.commands_waiting,
        )
        yield CounterMetricFamily(
            "rodrun_events_dropped", "Events that control did not read.", counts.events_dropped
        )


def _by_direction(name: str, text: str, inbound: int, outbound: int) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=["direction"])
    family.add_metric(["in"], inbound)
    family.add_metric(["out"], outbound)
    return family
