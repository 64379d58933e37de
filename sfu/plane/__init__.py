"""The compiled plane: what moves the media. ``Plane`` is its facade; commands in, events out."""

from sfu.plane.compilation import WarmUp, warm_up
from sfu.plane.downlink import DownlinkCounts
from sfu.plane.plane import Plane, PlaneBusy
from sfu.plane.records import DtlsReceived, Faulted, PlaneEvent, Released, StunReceived
from sfu.plane.statistics import ConnectionStatistics
from sfu.plane.tables import MAX_PARTICIPANTS, DropReason, PlaneSettings

__all__ = [
    "MAX_PARTICIPANTS",
    "ConnectionStatistics",
    "DownlinkCounts",
    "DropReason",
    "DtlsReceived",
    "Faulted",
    "Plane",
    "PlaneBusy",
    "PlaneEvent",
    "PlaneSettings",
    "Released",
    "StunReceived",
    "WarmUp",
    "warm_up",
]
