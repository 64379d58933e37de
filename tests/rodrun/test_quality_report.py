"""``rodrun quality-report`` on a database as serve leaves it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from control.adapters import tables
from control.adapters.database import Database
from control.consultations.quality import Leg, Level, Period, Score, summary
from rodrun.command_line import app
from rodrun.serve import DATABASE_FILE

SPECIALIST = {"id": "ivan", "name": "Ivan", "role": "specialist"}


async def fill(file: Path) -> None:
    """Four consultations of other scores, of which two were rated. Nothing was amiss in one."""
    database = await Database.open_file(file)

    def rows(connection: Any) -> None:
        connection.execute(tables.users.insert(), [SPECIALIST])
        for number, (mos, stars) in enumerate(((4.2, 5), (2.5, 1), (4.0, None), (4.3, None))):
            name = f"c{number}"
            consultation: dict[str, Any] = {
                "id": name,
                "client_id": "ivan",
                "specialist_id": "ivan",
            }
            consultation |= {"state": "ended", "requested_at": 1.0, "accept_by": 2.0, "rest": {}}
            connection.execute(tables.consultations.insert(), [consultation])
            legs = {
                Leg.CLIENT_UP: Score(4.39, Level.EXCELLENT),
                Leg.SPECIALIST_DOWN: Score(mos, Level.EXCELLENT if mos > 4.2 else Level.GOOD),
            }
            data = summary([Period(10.0, 5.0, legs).to_json()])
            event: dict[str, Any] = {
                "consultation_id": name,
                "seq": 1,
                "at": 20.0,
                "type": "quality",
            }
            connection.execute(tables.events.insert(), [event | {"by": "service", "data": data}])
            if stars:
                rating: dict[str, Any] = {
                    "consultation_id": name,
                    "subject": "technical",
                    "stars": stars,
                }
                rating |= {"comment": "", "given_at": 30.0}
                connection.execute(tables.ratings.insert(), [rating])

    await database.write(rows)
    await database.close()


def test_stars_stand_beside_scores_and_the_legs_to_blame(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path / DATABASE_FILE))
    arguments = ["quality-report", "--data-dir", str(tmp_path)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "2 rated; correlation of stars and scores: 1.00" in shown.output
    assert "specialist_down 1" in shown.output
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert [(line["stars"], line["mos"]) for line in told["lines"]] == [
        (5, 4.2),
        (1, 2.5),
        (None, 4.15),
    ]
    assert [line["verdicts"] for line in told["lines"]] == [{"specialist_down": 1}] * 3


def test_a_folder_without_a_database_is_said_to_be_one(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["quality-report", "--data-dir", str(tmp_path / "none")])
    assert shown.exit_code == 2
    assert "there is no database" in shown.output
    assert not (tmp_path / "none").exists()
