"""Consultations in simulated time: the rules, a model of the shell around them, and a checker.

``world`` lets people, lines and faults happen; ``shell`` is control with its store, as far as the
rules see it; ``checker`` watches every step and knows the rules from the documentation
(``docs/consultation.md``), not from the code.
"""
