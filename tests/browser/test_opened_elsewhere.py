"""A consultation that is opened in a second tab: the newest has it, the older says so."""

import time

from tests.browser import media
from tests.browser.gallery import Gallery
from tests.browser.people import Pair, Person


def wait_replaced(person: Person) -> None:
    person.wait_notice("call-notice", "replaced")
    person.page.wait_for("() => document.documentElement.dataset.call === 'replaced'")


def test_second_tab_takes_the_call_over(local_pair: Pair, module_gallery: Gallery) -> None:
    local_pair.sign_in()
    local_pair.start_call()
    client, specialist = local_pair.people
    partner_before = media.negotiation(specialist.page)
    first, second = client.page, client.new_tab()

    client.page = second
    second.goto(client.address)
    if not second.evaluate("() => document.documentElement.dataset.screen === 'call'"):
        second.click(f"demo-account-{client.account}")
    client.wait_in_call()
    media.wait_for_media(second)
    client.page = first
    wait_replaced(client)
    module_gallery.take(first, "opened-elsewhere")
    left = media.negotiation(first)
    assert left["closed"][-1] is True
    time.sleep(3)  # long enough for a page that tries to come back
    assert media.negotiation(first) == left, "the first tab tried to come back"
    assert media.faults_between(2.0, client=second, specialist=specialist.page) == []

    # And back again, because somebody asks for it.
    first.bring_to_front()
    first.click("use-here")
    client.wait_in_call()
    media.wait_for_media(first)
    client.page = second
    wait_replaced(client)
    client.page = first
    assert local_pair.faults(2.0) == []
    assert media.negotiation(specialist.page) == partner_before
    assert local_pair.consultation()["state"] == "active"
