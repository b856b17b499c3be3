"""The six measures over levels as a picture, PNG and SVG."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from lighteval_r1.report.pictures import COLOURS, as_text, file_name, saved, style
from lighteval_r1.thinking.summary import Panel, TaskThinking, panels

MARKERS = ("o", "s", "^", "D", "v")


def write_figures(tasks: Sequence[TaskThinking], folder: Path) -> list[Path]:
    """<task>_thinking.png and .svg for each task."""
    return saved({f"{file_name(task.name)}_thinking": thinking_figure(task) for task in tasks}, folder)


def thinking_figure(task: TaskThinking) -> Figure:
    """Six panels, a line per run, 95 % intervals for other problems."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    figure.suptitle(task.name, fontsize=11, x=0.01, ha="left", parse_math=False)
    for axes, panel in zip(figure.subplots(2, 3).flat, panels(task), strict=True):
        draw(axes, panel, over="level" if "level" in task.groups else "")
    if len(task.runs) > 1:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        legend = figure.legend(
            handles, labels, frameon=False, fontsize=9, loc="outside lower center", ncols=min(len(labels), 4)
        )
        as_text(legend.get_texts())
    return figure


def with_gaps(points: list) -> list:
    """A point that is not drawn where a level is missing, so that no line bridges it."""
    shown: list = []
    for point in points:
        if shown and point[0] - shown[-1][0] > 1:
            shown.append((shown[-1][0] + 1, math.nan, None))
        shown.append(point)
    return shown


def draw(axes, panel: Panel, *, over: str) -> None:
    scale = 100 if panel.measure.share else 1
    style(axes, title=panel.measure.title + (", percent" if panel.measure.share else ""), fontsize=9.5)
    n = len(panel.lines)
    for at, (run, points) in enumerate(panel.lines):
        # Side by side, so that error bars do not hide each other.
        shown = with_gaps(points)
        xs = [x + (at - (n - 1) / 2) * 0.06 for x, _, _ in shown]
        ys = [scale * value for _, value, _ in shown]
        ends = [of_point or (value, value) for _, value, of_point in shown]
        errors = [
            [abs(scale * value - scale * end[at]) for (_, value, _), end in zip(shown, ends, strict=True)]
            for at in (0, 1)
        ]
        marker = MARKERS[at % len(MARKERS)]
        axes.errorbar(
            xs,
            ys,
            yerr=errors,
            color=COLOURS[at % len(COLOURS)],
            marker=marker,
            markersize=4,
            capsize=2.5,
            linewidth=1.4,
            label=run if points else f"{run}: no {over or 'problem'}",
        )
    axes.set_xticks([x for x, _ in panel.ticks], [label for _, label in panel.ticks])
    first, last = panel.ticks[0][0], panel.ticks[-1][0]
    axes.set_xlim(first - 0.5, last + 0.5)
    top = scale * panel.top or scale
    # A little below 0, so that points on it are whole.
    axes.set_ylim(-0.02 * top, 1.06 * top)
    axes.set_xlabel(over, fontsize=9)
    axes.tick_params(labelsize=8.5)
    as_text(axes.get_xticklabels())
    if not any(points for _, points in panel.lines):
        axes.set_yticks([])
        axes.text(
            0.5, 0.5, "no reply has it", transform=axes.transAxes, ha="center", va="center", color="#5c6670", fontsize=9
        )
