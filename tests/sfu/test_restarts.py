"""ICE restarts: new credentials on a connection that stays what it is."""

import pytest

from sfu.api import Answer, RefusalCode, Refused, RestartIce, VideoCodec
from sfu.negotiation import read_offer
from sfu.plane_commands import SetMedia, SetUfrag
from tests.sfu.peer import Answer as ReadAnswer
from tests.sfu.world import (
    CHROMIUM_OFFER,
    FIREFOX_OFFER,
    PHONE,
    RESTART_OFFER,
    World,
    check,
    refusal,
)


def test_an_ice_restart_keeps_streams_and_certificate_and_changes_the_credentials() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    again, outputs = world.ask(RestartIce("room", "client", "c1", RESTART_OFFER))
    assert isinstance(again, Answer)
    before, after = ReadAnswer.parse(reply.answer), ReadAnswer.parse(again.answer)
    assert after.ssrcs == before.ssrcs
    assert after.fingerprints == before.fingerprints
    assert after.ufrag != before.ufrag
    assert after.ufrag[:4] == before.ufrag[:4]
    assert after.pwd != before.pwd
    assert [type(output) for output in outputs] == [SetUfrag, SetMedia]
    assert outputs[0] == SetUfrag(slot, after.ufrag)
    # RFC 3264 section 8: the same session, one version on.
    assert _origin(again.answer)[1] == _origin(reply.answer)[1]
    assert int(_origin(again.answer)[2]) == int(_origin(reply.answer)[2]) + 1


def _origin(sdp: str) -> list[str]:
    return next(line for line in sdp.splitlines() if line.startswith("o=")).split()


def test_a_re_offer_with_the_same_credentials_is_no_restart() -> None:
    world = World()
    world.open()
    reply, _, _ = world.join("client", "c1")
    again, outputs = world.ask(RestartIce("room", "client", "c1", CHROMIUM_OFFER))
    assert isinstance(again, Answer)
    assert ReadAnswer.parse(again.answer).ufrag == ReadAnswer.parse(reply.answer).ufrag
    assert [type(output) for output in outputs] == [SetMedia]


def test_an_ice_restart_by_another_certificate_is_refused_and_changes_nothing() -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    refused, outputs = world.ask(RestartIce("room", "client", "c1", FIREFOX_OFFER))
    assert refusal(refused) is RefusalCode.BAD_OFFER
    assert outputs == []
    data = check(ReadAnswer.parse(reply.answer))
    assert len(world.node.stun_received(slot, PHONE, data, 1000.5)) == 3


@pytest.mark.parametrize("place", range(5))
def test_a_restart_that_sends_with_an_ssrc_of_ours_is_refused(place: int) -> None:
    world = World()
    world.open()
    reply, slot, _ = world.join("client", "c1")
    answered = ReadAnswer.parse(reply.answer)
    theirs = sorted(read_offer(RESTART_OFFER).ssrcs)[0]
    ours = [each for ssrcs in answered.ssrcs.values() for each in ssrcs][place]
    offer = RESTART_OFFER.replace(str(theirs), str(ours))
    refused, outputs = world.ask(RestartIce("room", "client", "c1", offer))
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.BAD_OFFER
    assert str(ours) in refused.detail
    assert outputs == []
    assert len(world.node.stun_received(slot, PHONE, check(answered), 1000.5)) == 3


@pytest.mark.parametrize(
    "message",
    [
        RestartIce("elsewhere", "client", "client", RESTART_OFFER),
        RestartIce("room", "stranger", "client", RESTART_OFFER),
        RestartIce("room", "specialist", "client", RESTART_OFFER),
        RestartIce("room", "client", "c0", RESTART_OFFER),
    ],
)
def test_an_ice_restart_of_a_connection_that_is_not_ones_own_is_refused(
    message: RestartIce,
) -> None:
    world = World()
    world.call()
    reply, outputs = world.ask(message)
    assert refusal(reply) is RefusalCode.UNKNOWN_CONNECTION
    assert outputs == []


def test_a_restart_keeps_the_codec_of_its_connection() -> None:
    world = World()
    world.open(VideoCodec.VP9)
    world.join("client", "c1")
    world.open(VideoCodec.VP8)
    again, _ = world.ask(RestartIce("room", "client", "c1", RESTART_OFFER))
    assert isinstance(again, Answer)
    assert again.video_codec is VideoCodec.VP9


def test_a_broken_re_offer_is_refused() -> None:
    world = World()
    world.open()
    world.join("client", "c1")
    reply, _ = world.ask(RestartIce("room", "client", "c1", "v=0"))
    assert refusal(reply) is RefusalCode.BAD_OFFER
