"""How well each connection does: measured second by second, then scored leg by leg. Pure.

Everything is computed for all connections at once, in arrays with a row for each. A *leg* is one
direction of one connection: *up* is from the browser to the node, *down* from the node to it.
"""

from sfu.quality.measurement import Measurement, measure
from sfu.quality.own import OwnScore
from sfu.quality.scores import Scores
from sfu.quality.telling import tell

__all__ = ["Measurement", "OwnScore", "Scores", "measure", "tell"]
