"""Tests of control/web."""
