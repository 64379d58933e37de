"""Calls of real Chromiums through a node, measured: ``python -m benchmarks.calls``.

From a checkout with ``tests/install-browsers`` done: browsers are driven as in ``tests/browser``.
"""
