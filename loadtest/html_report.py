"""The report as one page that needs nothing else: figures, plots, light, dark, and on paper."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from loadtest.plot import Series, legend, line_chart, scatter, waterfall
from loadtest.report import PHASES, Report

STYLE = Path(__file__).with_name("report.css")
MAX_BARS = 60
PERCENTILES = (("p50", 1), ("p95", 2), ("p99", 3))
COLUMNS = ("p50", "p95", "p99", "max")
WATERFALL = ("request", "accept", "api", "ice", "dtls", "first_packet", "first_keyframe")


def write_html(report: Report, path: Path) -> None:
    """Write the page; OSError when that cannot be."""
    path.write_text(make_html(report), encoding="utf-8")


def make_html(report: Report) -> str:
    """The page."""
    name = f"Load test: {report['scenario']['name']}"
    sections = (_verdict(report), _tiles(report), _plots(report), _tables(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><header><h1>{escape(name)}</h1><p>{_facts(report)}</p></header><main>"
        f"{''.join(sections)}</main></body></html>\n"
    )


def _facts(report: Report) -> str:
    calls = report["measures"]["calls"]
    begun = report["begun_at"][:16].replace("T", " ")
    return escape(
        f"{report['url']} · {begun} UTC · {report['seconds']:.0f} s · {calls['most_at_once']} calls"
        f" at once, {calls['started']} in all · {calls['packets_sent']:,} packets"
    )


def _verdict(report: Report) -> str:
    lines = []
    if report["stopped"]:
        lines.append(("warn", f"Broken off: {report['stopped']}"))
    for reason in report["invalid_because"]:
        lines.append(("bad", f"Invalid, for the generator was the bottleneck: {reason}"))
    gave_out = report["measures"]["ramp"]["bottleneck"]
    if gave_out and report["valid"]:
        text = "The generator kept up until the last step, whose figures may be its own:"
        lines.append(("warn", f"{text} {gave_out}"))
    elif report["valid"]:
        lines.append(("good", "The generator kept up: what was measured is the server's."))
    for each in report["expectations"]:
        value = "not measured" if each["value"] is None else f"{each['value']:g}"
        kind, word = ("bad", "Failed") if each["failed"] else ("good", "Held")
        lines.append((kind, f"{word}: {each['fail_on']} ({value})"))
    items = "".join(f'<li class="{kind}">{escape(text)}</li>' for kind, text in lines)
    return f'<ul class="verdict">{items}</ul>'


def _tiles(report: Report) -> str:
    measures = report["measures"]
    drops, server = measures["drops"], measures["server"]
    tiles = [
        ("loss", _number(measures["loss_pct"], 3), "%"),
        ("latency p99", _number(measures["latency_ms"].get("p99")), "ms"),
        ("set-up p95", _number(measures["setup_ms"].get("p95")), "ms"),
        ("calls failed", str(measures["failed"]), f"of {measures['calls']['started']}"),
    ]
    if drops["verdicts"]:
        tiles.append(("verdicts right", str(drops["right"]), f"of {drops['verdicts']}"))
    if report["steps"]:
        least = "" if measures["ramp"]["broken"] else "≥ "
        tiles.append(("capacity", f"{least}{measures['ramp']['capacity'] or 0}", "calls"))
    if measures["rejoin_ms"]:
        tiles.append(("rejoin p95", _number(measures["rejoin_ms"]["p95"]), "ms"))
    if server["cpu_pct"]:
        tiles.append(("server CPU", _number(server["cpu_pct"]["mean"]), "% of a core"))
    items = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)} <small>{escape(unit)}</small></dd></div>"
        for label, value, unit in tiles
    )
    return f'<dl class="tiles">{items}</dl>'


def _plots(report: Report) -> str:
    ticks = report["timeline"]
    percentiles = legend([(name, colour) for name, colour in PERCENTILES])
    found = [
        _figure(
            "Calls up",
            line_chart([_over_time("calls", 1, ticks, "calls")], "seconds", "calls"),
        ),
        _figure("One-way latency", _percentile_chart(ticks, "latency_ms"), percentiles),
        _figure("Jitter", _percentile_chart(ticks, "jitter_ms"), percentiles),
        _figure(
            "Loss", line_chart([_over_time("loss", 4, ticks, "loss_pct")], "seconds", "% lost")
        ),
        _figure("API latency", _percentile_chart(ticks, "api_ms"), percentiles),
    ]
    used = [tick for tick in ticks if tick["cpu_pct"] is not None]
    if used:
        points = [(float(tick["calls"]), float(tick["cpu_pct"])) for tick in used]
        chart = scatter([Series("CPU", 1, points)], "calls", "% of a core")
        found.append(_figure("Server CPU against calls", chart))
        memory = [
            (tick["t"], tick["memory_mib"]) for tick in used if tick["memory_mib"] is not None
        ]
        chart = line_chart([Series("memory", 2, memory)], "seconds", "MiB")
        found.append(_figure("Server memory", chart))
    generator = [
        _over_time("CPU of its core, %", 1, ticks, "generator_cpu_pct"),
        _over_time("lateness of its timers, ms", 3, ticks, "lag_ms"),
    ]
    keys = legend([(each.name, each.colour) for each in generator])
    found.append(_figure("The generator itself", line_chart(generator, "seconds", ""), keys))
    if report["verdicts"]:
        found.append(_verdict_plot(report["verdicts"]))
    setups = report["setups"]
    if setups:
        chosen = setups[:: max(1, -(-len(setups) // MAX_BARS))]
        rows = [
            [(index + 1, _lasted_ms(setup, name)) for index, name in enumerate(WATERFALL)]
            for setup in chosen
        ]
        names = [(name.replace("_", " "), index + 1) for index, name in enumerate(WATERFALL)]
        title = f"Set-up of {len(chosen)} of {len(setups)} calls, in the order of beginning"
        found.append(_figure(title, waterfall(rows, "ms"), legend(names), "wide"))
    return f'<section class="plots">{"".join(found)}</section>'


def _lasted_ms(setup: Mapping[str, float], phase: str) -> float:
    """The keyframe is waited for from the connection on, as is the packet before it."""
    before_ms = setup["first_packet_ms"] if phase == "first_keyframe" else 0.0
    return setup[f"{phase}_ms"] - before_ms


def _verdict_plot(verdicts: list[Mapping[str, Any]]) -> str:
    kinds = [("ended", 4, True), ("went on", 1, False)]
    series = [
        Series(
            name,
            colour,
            [
                (each["silence_s"], abs(each["error_ms"]))
                for each in verdicts
                if each["ended"] is ended and each["error_ms"] is not None
            ],
        )
        for name, colour, ended in kinds
    ]
    chart = scatter(series, "seconds of silence", "error, ms")
    keys = legend([(name, colour) for name, colour, _ in kinds])
    return _figure("Drop verdicts: when the client was told", chart, keys)


def _tables(report: Report) -> str:
    measures = report["measures"]
    phases = measures["phase_ms"]
    rows = [
        ("set-up", measures["setup_ms"]),
        *((name.replace("_", " "), phases[name]) for name in PHASES),
        ("one-way latency", measures["latency_ms"]),
        ("jitter", measures["jitter_ms"]),
        ("rejoin", measures["rejoin_ms"]),
        ("drop verdict's error", measures["drops"]["ended_error_ms"]),
        ("line back told after", measures["drops"]["back_error_ms"]),
        ("generator's lateness", measures["generator"]["late_ms"]),
    ]
    operations = sorted(measures["api_ms"].get("by_operation", {}).items())
    found = [
        _table("In milliseconds", ("", *COLUMNS), _percentile_rows(rows)),
        _table("API, milliseconds", ("", *COLUMNS), _percentile_rows(operations)),
    ]
    if report["verdicts"]:
        found.append(_table("Verdicts", ("silence", "right", "of"), _verdict_rows(report)))
    if report["steps"]:
        steps = [
            (
                str(step["calls"]),
                _number(step["loss_pct"], 3),
                _number(step["latency_ms"].get("p99")),
                _number(step["cpu_pct"]),
                step["broken"] or step["bottleneck"] or "held",
            )
            for step in report["steps"]
        ]
        heading = ("calls", "loss %", "latency p99 ms", "CPU %", "")
        found.append(_table("Steps", heading, steps, "words"))
    if report["failures"]:
        failures = [
            (each["stage"], str(each["count"]), each["reason"]) for each in report["failures"]
        ]
        found.append(_table("Failures", ("stage", "calls", "reason"), failures, "words"))
    settings = [(name, _setting(value)) for name, value in report["scenario"].items()]
    found.append(_table("Scenario", ("setting", ""), settings, "words"))
    return f'<section class="tables">{"".join(found)}</section>'


def _verdict_rows(report: Report) -> Sequence[tuple[str, ...]]:
    silences = sorted({each["silence_s"] for each in report["verdicts"]})
    rows = []
    for silence in silences:
        those = [each for each in report["verdicts"] if each["silence_s"] == silence]
        right = sum(each["right"] for each in those)
        rows.append((f"{silence:g} s", str(right), str(len(those))))
    return rows


def _percentile_rows(rows: list[tuple[str, Mapping[str, float]]]) -> list[tuple[str, ...]]:
    return [
        (label, *(_number(figures.get(name)) for name in COLUMNS))
        for label, figures in rows
        if figures
    ]


def _percentile_chart(ticks: list[Mapping[str, Any]], measure: str) -> str:
    series = [
        Series(
            name,
            colour,
            [(tick["t"], tick[measure][name]) for tick in ticks if name in tick[measure]],
        )
        for name, colour in PERCENTILES
    ]
    return line_chart(series, "seconds", "ms")


def _over_time(name: str, colour: int, ticks: list[Mapping[str, Any]], measure: str) -> Series:
    return Series(name, colour, [(tick["t"], float(tick[measure])) for tick in ticks])


def _figure(title: str, chart: str, keys: str = "", kind: str = "") -> str:
    return f'<figure class="{kind}"><figcaption>{escape(title)}</figcaption>{keys}{chart}</figure>'


def _table(
    title: str, heading: tuple[str, ...], rows: Sequence[tuple[str, ...]], kind: str = ""
) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="{kind}"><h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "–"
    return str(value)
