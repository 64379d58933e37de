"""How the webhooks do, as figures."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from control.adapters.scheduler import Clock
from control.adapters.webhooks.dispatcher import Webhooks

OUTCOMES = ("delivered", "failed", "given_up")


class WebhookFigures(Collector):
    """Read when asked."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Attempts since the start; what waits and what was given up, as some seconds ago."""
        attempts = CounterMetricFamily(
            "rodrun_webhook_attempts",
            "Attempts to deliver a webhook since the start, by what came of them.",
            labels=["outcome"],
        )
        for outcome in OUTCOMES:
            attempts.add_metric([outcome], self._webhooks.attempts[outcome])
        yield attempts
        counts = self._webhooks.counts
        yield GaugeMetricFamily(
            "rodrun_webhooks_pending", "Webhooks that wait for their delivery.", counts.pending
        )
        oldest = counts.oldest_queued_at
        yield GaugeMetricFamily(
            "rodrun_webhooks_oldest_pending_seconds",
            "How long the oldest of them has waited.",
            0.0 if oldest is None else max(0.0, self._clock() - oldest),
        )
        yield GaugeMetricFamily(
            "rodrun_webhooks_given_up",
            "Webhooks of the last 30 days that were given up and not sent anew.",
            counts.given_up,
        )
