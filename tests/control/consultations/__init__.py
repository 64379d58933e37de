"""Tests of control/consultations."""
