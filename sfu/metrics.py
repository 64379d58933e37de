"""What a worker has counted, for Prometheus."""

from collections.abc import Iterator, Mapping
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
        yield GaugeMetricFamily(
            "rodrun_probes",
            "Probes of a network that are under way, in rooms of their own.",
            counts.probes,
        )
        participants = GaugeMetricFamily(
            "rodrun_participants",
            "Connections that are joining or connected, without those of probes.",
            labels=["state"],
        )
        participants.add_metric(["joining"], counts.joining)
        participants.add_metric(["connected"], counts.connected)
        yield participants
        yield _by_label(
            "rodrun_media_packets",
            "SRTP and SRTCP packets, authentic ones from browsers and those sent to them.",
            "direction",
            {"in": counts.packets_in, "out": counts.packets_out},
        )
        yield _by_label(
            "rodrun_media_bytes",
            "UDP payload of these packets.",
            "direction",
            {"in": counts.octets_in, "out": counts.octets_out},
        )
        drops = {why: number for why, number in counts.drops.items() if why != SOCKET_OVERFLOW}
        yield _by_label(
            "rodrun_dropped_packets", "Datagrams that went no further, by reason.", "reason", drops
        )
        yield CounterMetricFamily(
            "rodrun_socket_overflow_packets",
            "Datagrams that the kernel dropped because the socket's buffer was full.",
            counts.drops.get(SOCKET_OVERFLOW, 0),
        )
        yield _by_label(
            "rodrun_plane_events",
            "What else the forwarding plane has counted, bounds that were reached among it.",
            "event",
            counts.plane_events,
        )
        yield _by_label(
            "rodrun_handshakes",
            "DTLS handshakes that ended, by SRTP profile or as failed.",
            "outcome",
            counts.handshakes,
        )
        yield _by_label(
            "rodrun_refused_requests",
            "Requests of control that were not carried out, by the code of the refusal.",
            "code",
            counts.refused,
        )
        yield GaugeMetricFamily(
            "rodrun_waiting_commands",
            "Commands that wait for the forwarding plane; joins are refused beyond a thousand.",
            counts.commands_waiting,
        )
        yield GaugeMetricFamily(
            "rodrun_history_bytes",
            "Memory that the histories of sent video have filled.",
            counts.history_octets,
        )
        yield CounterMetricFamily(
            "rodrun_events_dropped", "Events that control did not read.", counts.events_dropped
        )


def _by_label(name: str, text: str, label: str, numbers: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in sorted(numbers.items()):
        family.add_metric([value], number)
    return family
