"""A request makes itself heard and seen on every open page of the specialist, and sounds on one."""

from typing import Any

from tests.browser.browser import Page
from tests.browser.people import Pair

COUNT_TONES = """() => {
  globalThis.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...times) {
    globalThis.tones += 1;
    return start.apply(this, times);
  };
}"""
SOUNDED = "() => globalThis.tones > 0"
ALERTED = "() => document.title === 'Нова заявка!'"
# The pages of one user agree by a lock on which of them sounds.
LOCKS = """async () => {
  const { held, pending } = await navigator.locks.query();
  const ours = (list) => list.filter(({ name }) => name.startsWith("rodrun.alert ")).length;
  return [ours(held), ours(pending)];
}"""


def wait_locks(page: Page, held: int, pending: int) -> None:
    wanted = [held, pending]
    page.wait_for(
        f"async (wanted) => JSON.stringify(await ({LOCKS})()) === JSON.stringify(wanted)", wanted
    )


def test_of_several_open_pages_one_sounds_and_all_say_so(local_pair: Pair) -> None:
    client, specialist = local_pair.people
    local_pair.sign_in()
    first, second = specialist.page, specialist.new_tab()
    specialist.page = second
    specialist.arrive()
    specialist.sign_in()
    pages = (first, second)
    for page in pages:
        page.evaluate(COUNT_TONES)
    title: Any = first.evaluate("() => document.title")

    client.ask(local_pair.specialist_id)
    for page in pages:
        page.wait_for(ALERTED)
    wait_locks(first, held=1, pending=1)
    loud, quiet = sorted(pages, key=lambda page: -int(page.evaluate("() => globalThis.tones")))
    loud.wait_for(SOUNDED)
    assert not quiet.evaluate(SOUNDED)

    # Whoever sounded is closed: the other one takes over.
    loud.close()
    quiet.wait_for(SOUNDED)
    wait_locks(quiet, held=1, pending=0)

    specialist.page = quiet
    client.page.click("waiting-cancel")
    specialist.wait_screen("home")
    assert quiet.evaluate("() => document.title") == title
    wait_locks(quiet, held=0, pending=0)


def test_the_sound_can_be_tried(local_pair: Pair) -> None:
    specialist = local_pair.specialist
    specialist.arrive()
    specialist.sign_in()
    specialist.page.evaluate(COUNT_TONES)
    specialist.page.click("try-sound")
    specialist.page.wait_for(SOUNDED)
    specialist.page.wait_visible("sound-tried")
