"""The compiled plane and the interpreted one send the same octets."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sfu.plane.test_batches import kernel_receives_runs

ROOT = Path(__file__).parents[3]

AT_WORK = (
    *("losses", "losses_repaired", "losses_late", "losses_overtaken", "losses_given_up"),
    *("nacks", "nack_numbers", "resends", "resends_not_kept", "resends_too_soon"),
    *("resends_paused", "resends_too_often", "resends_over_rate", "resends_not_owed"),
    *("losses_beyond_reach", "nacks_over_rate", "keyframe_given_up", "source_replaced"),
    *("feedback_absurd", "feedback_over_rate", "feedback_waited"),
    *("extensions_cut", "transport_jumps_over_rate"),
    *("retransmissions_relayed", "retransmissions_unwrapped", "red_unwrapped"),
    *("feedback_relayed", "transport_numbers_withheld", "transport_numbers_repeated"),
    *("transport_numbers_restarted", "sends"),
    *("keyframe_request", "keyframe_request_repeated", "keyframe_asked", "keyframe_arrived"),
    *("remb_relayed", "bye_sent", "clock_stepped"),
    *("malformed_rtp", "malformed_rtcp", "malformed_red", "malformed_stun", "not_authentic"),
    *("replayed", "unknown_ssrc", "unknown_payload_type", "no_partner", "before_epoch"),
    *("partner_lacks_codec", "remb_swallowed", "bye_ignored"),
    *("feedback_not_relayed", "feedback_unsent"),
    *("absurd_time", "sources_full", "ssrc_collision"),
)
"""What the script makes the plane count, drops included."""


def lines_of(disable_jit: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sfu.plane.script"],
        env=os.environ | {"NUMBA_DISABLE_JIT": disable_jit},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_one_script_of_datagrams_gives_the_same_octets_both_ways() -> None:
    with ThreadPoolExecutor() as pool:
        compiled, interpreted = pool.map(lines_of, ("0", "1"))
    assert (compiled.pop(0), interpreted.pop(0)) == ("compiled", "interpreted")
    assert len(compiled) > 1000
    assert compiled == interpreted
    counts: dict[str, int] = json.loads(compiled[-1])
    assert counts["fault"] == 0
    assert [each for each in AT_WORK if counts[each] == 0] == [], "all of it is at work"
    [loop] = [json.loads(each) for each in compiled if each.startswith('{"receives"')]
    assert sum(each.startswith("loop ") for each in compiled) == 44
    if kernel_receives_runs():
        assert loop == {
            "receives": 2,
            "messages_received": 8,
            "gro_runs_received": 4,
            "gro_datagrams_received": 40,
        }
