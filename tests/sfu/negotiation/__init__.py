"""Tests of the negotiation."""
