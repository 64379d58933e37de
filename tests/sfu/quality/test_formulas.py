"""The tables of docs/quality.md: inputs and scores, reproduced by the code."""

from pathlib import Path

import numpy as np
import pytest

from sfu.plane import Column
from sfu.quality import emodel, picture
from sfu.quality.emodel import Protection, heard_loss

PAGE = Path(__file__).resolve().parents[3] / "docs" / "quality.md"


def table(heading: str) -> list[list[str]]:
    """The cells of the first table behind a heading."""
    lines = PAGE.read_text().split(f"### {heading}\n")[1].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("| ---"))
    rows = []
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def one(value: float) -> Column:
    return np.array([value])


@pytest.mark.parametrize("row", table("Sound"), ids=" ".join)
def test_the_sound_of_a_leg_has_the_score_of_the_page(row: list[str]) -> None:
    loss_pct, protection, rtt_ms, jitter_ms, rated, score = row
    found = emodel.rating(
        one(float(loss_pct) / 100),
        one(float(rtt_ms) / 2),
        one(float(jitter_ms)),
        Protection(protection),
    )
    assert f"{found[0]:.1f}" == rated
    assert f"{emodel.opinion(found)[0]:.2f}" == score


@pytest.mark.parametrize("row", table("Picture"), ids=" ".join)
def test_the_picture_of_a_leg_has_the_score_of_the_page(row: list[str]) -> None:
    loss_pct, unrepaired_pct, frozen_pct, rtt_ms, score = map(float, row)
    found = picture.opinion(
        one(loss_pct / 100), one(unrepaired_pct / 100), one(frozen_pct / 100), one(rtt_ms)
    )
    assert f"{found[0]:.2f}" == f"{score:.2f}"


def test_the_tables_are_there() -> None:
    assert len(table("Sound")) >= 15
    assert len(table("Picture")) >= 10


def test_opinions_are_those_of_annex_b() -> None:
    # G.107 annex B, table B.1
    for rated, opinion in ((90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)):
        assert emodel.opinion(one(rated))[0] == pytest.approx(opinion, abs=0.01)
    assert emodel.opinion(one(0.0))[0] == 1.0


def test_more_of_anything_is_never_better() -> None:
    steps = np.linspace(0, 1, 200)
    none = np.zeros_like(steps)
    for protection in Protection:
        assert (np.diff(emodel.rating(steps, none, none, protection)) <= 0).all()
    assert (np.diff(emodel.rating(none, 1000 * steps, none)) <= 0).all()
    assert (np.diff(emodel.rating(none, none, 1000 * steps)) <= 0).all()
    for place in range(4):
        inputs = [none, none, none, none]
        inputs[place] = steps * (1000 if place == 3 else 1)
        assert (np.diff(picture.opinion(*inputs)) <= 1e-12).all()


def test_protection_helps_in_its_order() -> None:
    lost = np.array([0.01, 0.1, 0.5])
    red, fec, none = (
        heard_loss(lost, each) for each in (Protection.RED, Protection.FEC, Protection.NONE)
    )
    assert (red < fec).all()
    assert (fec < none).all()
