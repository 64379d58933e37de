"""The page on the rules shows the tables as they are."""

import pytest

from control.consultations.leaving import LEAVING_TRANSITIONS
from control.diagrams import PAGE, TABLES, diagram, drawn


def test_the_page_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == drawn(page), "run: python -m control.diagrams"


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_an_arrow(name: str) -> None:
    arrows = {
        (before, to.strip(), trigger.strip().replace(" ", "_"))
        for line in diagram(TABLES[name]).splitlines()
        if ":" in line
        for before, to in [line.split(":")[0].strip().split(" --> ")]
        for trigger in line.split(":")[1].split("<br>")
    }
    rows = {(state.value, to.value, trigger.value) for (state, trigger), to in TABLES[name].items()}
    assert arrows == rows


def test_a_diagram() -> None:
    assert diagram(LEAVING_TRANSITIONS).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> staying",
        "    staying --> leaving: announce<br>announce drop",
        "    leaving --> left: countdown over<br>client leaves",
        "    left --> [*]",
    ]


def test_a_page_without_a_place_for_it() -> None:
    with pytest.raises(ValueError, match="consultation has no place"):
        drawn("# The consultation\n")
