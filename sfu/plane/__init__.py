"""The compiled plane: what moves the media. ``Plane`` is its facade; commands in, events out."""

from sfu.plane.compilation import WarmUp, warm_up
from sfu.plane.counters import DropReason
from sfu.plane.downlink import DownlinkCounts
from sfu.plane.layouts import INBOUND, OUTBOUND, Role
from sfu.plane.plane import Plane, PlaneBusy
from sfu.plane.records import DtlsReceived, Faulted, PlaneEvent, Released, StunReceived
from sfu.plane.settings import MAX_PARTICIPANTS, PlaneSettings
from sfu.plane.statistics import Column, OwnCounts, Snapshot, blank_snapshot

__all__ = [
    "INBOUND",
    "MAX_PARTICIPANTS",
    "OUTBOUND",
    "Column",
    "DownlinkCounts",
    "DropReason",
    "DtlsReceived",
    "Faulted",
    "OwnCounts",
    "Plane",
    "PlaneBusy",
    "PlaneEvent",
    "PlaneSettings",
    "Released",
    "Role",
    "Snapshot",
    "StunReceived",
    "WarmUp",
    "blank_snapshot",
    "warm_up",
]
