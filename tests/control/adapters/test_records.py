"""How a consultation lies in the store: nothing of it is forgotten."""

import json
from dataclasses import MISSING, fields, replace

import pytest

from control.adapters.records import from_row, rating_rows, to_row
from control.consultations.consultation import Consultation
from tests.control.consultations.cases import of_every_kind, requested


@pytest.mark.parametrize("case", range(len(of_every_kind())))
def test_what_is_written_is_what_is_read(case: int) -> None:
    consultation = of_every_kind()[case]
    row = to_row(consultation)
    row["rest"] = json.loads(json.dumps(row["rest"]))
    read = from_row(row, rating_rows(consultation))
    # All but what the node told of the participants, which is worth nothing later.
    assert read == replace(consultation, links=requested().links)


def test_every_member_is_among_the_cases() -> None:
    """Else one that the records forget would not be noticed."""
    kinds = of_every_kind()
    for member in fields(Consultation):
        if member.default is not MISSING:
            assert any(getattr(each, member.name) != member.default for each in kinds), member.name
