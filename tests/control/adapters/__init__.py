"""Tests of control/adapters."""
