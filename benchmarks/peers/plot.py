"""The contest as a picture: cost a packet and latency over the number of rooms."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.peers.contest import AWAKE, FLOOR, OURS, Entry

# told apart without colour too: by marker and by the label at the line
_COLOURS = ("#b45309", "#4d7c0f", "#7c3aed", "#0e7490", "#be185d")
_MARKERS = ("s", "^", "D", "v", "P")


def draw(entries: Sequence[Entry], file: Path, title: str) -> None:
    """Write the picture as PNG."""
    names = list(dict.fromkeys(each.name for each in entries))
    styles: dict[str, dict[str, object]] = {}
    others = [name for name in names if name not in (OURS, AWAKE, FLOOR)]
    for index, name in enumerate(others):
        style = index % len(_COLOURS)
        styles[name] = {"color": _COLOURS[style], "marker": _MARKERS[style], "linewidth": 1.5}
    styles[OURS] = {"color": "#1d4ed8", "marker": "o", "linewidth": 2.8}
    styles[AWAKE] = {"color": "#1d4ed8", "marker": ".", "linewidth": 1.2, "linestyle": ":"}
    styles[FLOOR] = {"color": "#6b7280", "marker": ".", "linewidth": 1.2, "linestyle": "--"}
    figure, (cost, latency) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for name in names:
        carried = [each for each in entries if each.name == name and not each.saturated]
        rooms = [each.rooms for each in carried]
        costs = [each.cpu_us_per_packet for each in carried]
        cost.plot(rooms, costs, label=name, **styles[name])
        timed = [each for each in carried if each.p99_ms is not None]
        latency.plot(
            [each.rooms for each in timed],
            [max(each.p99_ms or 0, 0.01) for each in timed],
            label=name,
            **styles[name],
        )
        beyond = [each.rooms for each in entries if each.name == name and each.saturated]
        if beyond and carried:
            cost.annotate(
                f"saturated at {beyond[0]}",
                (rooms[-1], costs[-1]),
                xytext=(7, 3),
                textcoords="offset points",
                fontsize=8,
                color=str(styles[name]["color"]),
            )
    cost.set_ylabel("µs of CPU per forwarded packet (log)")
    cost.set_yscale("log")
    ticks = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
    cost.set_yticks(ticks, [str(tick) for tick in ticks])
    cost.set_ylim(2, 2 * max(each.cpu_us_per_packet for each in entries))
    latency.set_ylabel("p99 one way through it, ms (log)")
    latency.set_yscale("log")
    latency.set_ylim(0.05, 100)
    latency.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    for axes in (cost, latency):
        _finish(axes, sorted({each.rooms for each in entries}))
    handles, labels = cost.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(names), frameon=False)
    figure.suptitle(title, fontsize=11)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _finish(axes: Axes, rooms: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(rooms, [str(count) for count in rooms])
    axes.minorticks_off()
    axes.set_xlabel("rooms (2 participants, 480 packets/s each room)")
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
