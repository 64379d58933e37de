"""Tests of ``turn_config``."""
