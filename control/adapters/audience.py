"""Those who watch: what the shell tells the open pages of."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from control.adapters.records import Recorded
from control.consultations.consultation import Consultation
from control.consultations.parties import Role
from control.consultations.quality import Leg, PausedVideo, Score


class Audience(Protocol):
    """Takes news for the pages of both participants, or of one. Never blocks, never raises."""

    def consultation_changed(self, consultation: Consultation, events: Sequence[Recorded]) -> None:
        """These happened to it, and it stands so now."""
        ...

    def connection_replaced(
        self, consultation: Consultation, role: Role, connection_id: str
    ) -> None:
        """The participant joined anew elsewhere; the page with this connection stands down."""
        ...

    def rejoin(
        self, consultation: Consultation, role: Role, connection_id: str, reason: str
    ) -> None:
        """The page with this connection needs a new one; ``reason`` is "codec" or "failed"."""
        ...

    def video_pause(self, consultation: Consultation, role: Role, paused: PausedVideo) -> None:
        """The participant's connection carries no video now, or does again.

        What is paused is the other one's, whose page stops sending it.
        """
        ...

    def quality(self, consultation: Consultation, role: Role, legs: Mapping[Leg, Score]) -> None:
        """How both legs of the participant's connection, and the node, did in the last seconds."""
        ...
