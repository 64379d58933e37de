"""What Prometheus reads of a worker."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from sfu.metrics import WorkerCollector
from sfu.server import WorkerCounts


class Counted:
    def counts(self) -> WorkerCounts:
        return WorkerCounts(
            rooms=2,
            probes=12,
            joining=1,
            connected=3,
            packets_in=10,
            octets_in=1000,
            packets_out=20,
            octets_out=2000,
            drops={"not_authentic": 4, "socket_overflow": 5},
            plane_events={"batch_full": 9},
            handshakes={"SRTP_AEAD_AES_128_GCM": 6, "failed": 7},
            refused={"node-full": 10},
            commands_waiting=11,
            history_octets=12,
            events_dropped=8,
        )


def test_every_count_has_a_name_with_its_unit() -> None:
    registry = CollectorRegistry()
    registry.register(WorkerCollector(Counted()))
    text = generate_latest(registry).decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "rodrun_rooms 2.0",
        "rodrun_probes 12.0",
        'rodrun_participants{state="joining"} 1.0',
        'rodrun_participants{state="connected"} 3.0',
        'rodrun_media_packets_total{direction="in"} 10.0',
        'rodrun_media_packets_total{direction="out"} 20.0',
        'rodrun_media_bytes_total{direction="in"} 1000.0',
        'rodrun_media_bytes_total{direction="out"} 2000.0',
        'rodrun_dropped_packets_total{reason="not_authentic"} 4.0',
        "rodrun_socket_overflow_packets_total 5.0",
        'rodrun_plane_events_total{event="batch_full"} 9.0',
        'rodrun_handshakes_total{outcome="SRTP_AEAD_AES_128_GCM"} 6.0',
        'rodrun_handshakes_total{outcome="failed"} 7.0',
        'rodrun_refused_requests_total{code="node-full"} 10.0',
        "rodrun_waiting_commands 11.0",
        "rodrun_history_bytes 12.0",
        "rodrun_events_dropped_total 8.0",
    ]
