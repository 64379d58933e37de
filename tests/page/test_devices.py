"""Asking for camera and microphone, and what is said when there are none."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def play(page: Page, script: str) -> Any:
    """Run the body of a test in the page; `refuse` makes getUserMedia fail by what is asked."""
    return await page.evaluate(
        """async () => {
             const { Devices } = await import("/devices.js");
             const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
             const refuse = (reasons) => {
               navigator.mediaDevices.getUserMedia = async (wish) => {
                 for (const kind of ["video", "audio"])
                   if (wish[kind] && reasons[kind]) throw new DOMException("", reasons[kind]);
                 return real(wish);
               };
             };
             const tell = ({ state, problem, audio, video }) =>
               ({ state, problem, audio: audio !== null, video: video !== null });
        """
        + script
        + "}"
    )


@pytest.mark.parametrize(
    ("video", "audio", "state", "problem"),
    [
        ("", "", "ready", None),
        ("NotAllowedError", "", "audio-only", "denied"),
        ("NotFoundError", "", "audio-only", "missing"),
        ("NotReadableError", "", "audio-only", "busy"),
        ("", "NotFoundError", "no-microphone", "missing"),
        ("NotAllowedError", "NotAllowedError", "denied", None),
        ("NotFoundError", "NotFoundError", "missing", None),
        ("NotReadableError", "NotReadableError", "busy", None),
        ("NotReadableError", "NotFoundError", "busy", None),
    ],
)
async def test_it_settles_for_what_is_there_and_says_why(
    blank: Page, video: str, audio: str, state: str, problem: str | None
) -> None:
    told = await play(
        blank,
        f"""
        refuse({{ video: "{video}", audio: "{audio}" }});
        const devices = new Devices("?video=160x120@5");
        await devices.open();
        return tell(devices);
        """,
    )

    assert told == {"state": state, "problem": problem, "audio": not audio, "video": not video} | (
        {"audio": False, "video": False} if state in {"denied", "missing", "busy"} else {}
    )


async def test_it_is_ready_after_another_try(blank: Page) -> None:
    told = await play(
        blank,
        """
        refuse({ video: "NotReadableError" });
        const devices = new Devices("");
        await devices.open();
        refuse({});
        await devices.reopen();
        return tell(devices);
        """,
    )

    assert told == {"state": "ready", "problem": None, "audio": True, "video": True}


async def test_what_was_asked_for_before_the_close_is_put_back(blank: Page) -> None:
    told = await play(
        blank,
        """
        const given = [];
        navigator.mediaDevices.getUserMedia = async (wish) => {
          const stream = await real(wish);
          given.push(...stream.getTracks());
          return stream;
        };
        const devices = new Devices("");
        const opening = devices.open();
        devices.close();
        await opening;
        return [devices.state, given.length > 0, given.map(({ readyState }) => readyState)
                .every((each) => each === "ended")];
        """,
    )

    assert told == ["off", True, True]


async def test_the_camera_goes_off_with_its_light_and_on_again(blank: Page) -> None:
    told = await play(
        blank,
        """
        const devices = new Devices("");
        await devices.open();
        const { video } = devices;
        await devices.setCamera(false);
        const off = [video.readyState, devices.video, devices.state];
        await devices.setCamera(true);
        return [...off, devices.video.readyState, devices.audio.readyState];
        """,
    )

    assert told == ["ended", None, "ready", "live", "live"]


@pytest.mark.parametrize(
    ("search", "wish"),
    [
        ("", {"width": 640, "height": 360, "frameRate": 30}),
        ("?video=320x180@15", {"width": 320, "height": 180, "frameRate": 15}),
        ("?video=320x180", {"width": 320, "height": 180, "frameRate": 30}),
        ("?video=large", {"width": 640, "height": 360, "frameRate": 30}),
    ],
)
async def test_the_size_of_the_picture(blank: Page, search: str, wish: dict[str, int]) -> None:
    assert (
        await blank.evaluate(
            "async (search) => (await import('/devices.js')).videoWish(search)", search
        )
        == wish
    )
