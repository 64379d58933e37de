"""The scores of connections, for Prometheus."""

from prometheus_client import CollectorRegistry, Histogram

from control.consultations.quality import Leg, Period

# Between them lie the limits of the levels; docs/quality.md.
BUCKETS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.3, 3.6, 3.8, 4.02, 4.2, 4.3, 4.5)


class QualityFigures:
    """Histograms by leg."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._scores = Histogram(
            "rodrun_quality_mos",
            "Scores of the legs of consultations, 1 to 4.5, one each five seconds.",
            labelnames=["leg"],
            buckets=BUCKETS,
            registry=registry,
        )
        for leg in Leg:
            self._scores.labels(leg.value)

    def observe(self, period: Period) -> None:
        """Five seconds of a consultation are over."""
        for leg, score in period.legs.items():
            self._scores.labels(leg.value).observe(score.mos)
