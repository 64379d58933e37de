"""The proof as a picture: how far off what was said is, over the truth, and the bounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.proof.conditions import LEGS, NONE
from benchmarks.proof.judgement import FIGURES, Case, Finding, bound, findings
from benchmarks.proof.report import UNITS

# told apart without colour too
_WITNESSES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("the node", "o", {"color": "#1d4ed8", "alpha": 0.8}),
    ("Chromium's getStats", "^", {"facecolors": "none", "edgecolors": "#b45309"}),
)
_POINTS = 60  # of the line of a bound


def draw(cases: Sequence[Case], file: Path) -> None:
    """Write the picture as PNG: of each case the leg that was impaired, and all where none was."""
    figure, panels = plt.subplots(1, len(FIGURES), figsize=(12, 4.2), layout="constrained")
    for axes, name in zip(panels, FIGURES, strict=True):
        _panel(axes, name, _said(cases, name))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle(f"What was said of {len(cases)} injected impairments", fontsize=11)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _said(cases: Sequence[Case], figure: str) -> list[list[Finding]]:
    """The findings of that figure, by witness."""
    return [
        [
            finding
            for case in cases
            for leg in (LEGS if case.condition == NONE else (case.leg,))
            for finding in findings((case.by_node, case.by_browser)[place][leg.name])
            if finding.figure == figure
        ]
        for place in range(len(_WITNESSES))
    ]


def _panel(axes: Axes, figure: str, said: Sequence[Sequence[Finding]]) -> None:
    most = 0.0
    for (witness, marker, style), of_witness in zip(_WITNESSES, said, strict=True):
        pairs = [
            (each.true, each.said - each.true)
            for each in of_witness
            if each.said is not None and each.true is not None
        ]
        trues, errors = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        axes.scatter(trues, errors, s=26, marker=marker, label=witness, linewidths=1.2, **style)
        most = max([most, *trues])
    line = [most * place / _POINTS for place in range(_POINTS + 1)]
    bounds = [bound(figure, each) for each in line]
    axes.fill_between(
        line, [-each for each in bounds], bounds, color="#4d7c0f", alpha=0.12, label="the bound"
    )
    axes.axhline(0, color="#6b7280", linewidth=0.8)
    quantity, unit = UNITS[figure].rsplit(", ", 1)
    axes.set_title(quantity, fontsize=10)
    axes.set_xlabel(f"true, by the proxy's log, {unit}")
    axes.set_ylabel(f"said less true, {'percentage points' if unit == '%' else unit}")
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
