"""The node's figures of each call, held against a truth that was injected.

Real Chromiums call each other through a node, and the impairment proxy stands between. It impairs
one leg of each call, and its log says what became of every packet: ``conditions`` are what is
injected, ``calls`` holds the calls, ``truth`` computes from the log what node and browser should
have measured, ``testimony`` is what they said, ``judgement`` holds one against the other.
"""
