"""The paid time: intervals in which both sides were connected."""

from dataclasses import dataclass
from enum import StrEnum


class FlowState(StrEnum):
    """Whether paid time runs."""

    STOPPED = "stopped"
    FLOWING = "flowing"


class FlowTrigger(StrEnum):
    """What starts and stops it."""

    BOTH_CONNECTED = "both_connected"
    ONE_SILENT = "one_silent"
    SERVICE_INTERRUPTED = "service_interrupted"
    ENDED = "ended"


FLOW_TRANSITIONS: dict[tuple[FlowState, FlowTrigger], FlowState] = {
    (FlowState.STOPPED, FlowTrigger.BOTH_CONNECTED): FlowState.FLOWING,
    (FlowState.FLOWING, FlowTrigger.ONE_SILENT): FlowState.STOPPED,
    (FlowState.FLOWING, FlowTrigger.SERVICE_INTERRUPTED): FlowState.STOPPED,
    (FlowState.FLOWING, FlowTrigger.ENDED): FlowState.STOPPED,
}


@dataclass(frozen=True)
class Interval:
    """From ``began_at`` to ``stopped_at``, in Unix seconds."""

    began_at: float
    stopped_at: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.stopped_at - self.began_at
