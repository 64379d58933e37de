"""The API, the events and the pages. ``application`` puts control together."""

from control.web.application import application

__all__ = ["application"]
