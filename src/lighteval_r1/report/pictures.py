"""The report's pictures as PNG and SVG files, for papers and slides."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from lighteval_r1.numbers.tables import Row
from lighteval_r1.records import Estimate, UserError
from lighteval_r1.report.page.drawings import length_edges
from lighteval_r1.report.summary import Lengths, TaskScore, TaskSummary

# Okabe and Ito's palette for colour-blind readers. Source: https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#009E73")
INTERVALS = "95 % intervals (thick: same problems, thin: others)"
RIGHT, OTHERS = COLOURS[0], COLOURS[1]


@dataclass(frozen=True)
class Checkpoint:
    """What one checkpoint of a training scores on one task."""

    step: int
    estimate: Estimate
    partial: bool = False


def write_checkpoints(tasks: Mapping[str, Sequence[Checkpoint]], folder: Path) -> list[Path]:
    """Per task its curve over the steps of a training, as .png and .svg."""
    return saved(
        {f"{file_name(name)}_checkpoints": checkpoints_figure(name, points) for name, points in tasks.items()}, folder
    )


def checkpoints_figure(task: str, points: Sequence[Checkpoint]) -> Figure:
    """A line with intervals over new samples: the problems are the same at every step. Partial ones are open."""
    figure, axes = _axes(6, 3.4, title=f"{task}, pass@1, 95 % interval over new samples")
    axes.plot(
        [each.step for each in points], [100 * each.estimate.value for each in points], color=RIGHT, linewidth=1.5
    )
    for each in points:
        value, ends = 100 * each.estimate.value, each.estimate.same_problems
        error = None if ends is None else [[value - 100 * ends[0]], [100 * ends[1] - value]]
        face = "white" if each.partial else RIGHT
        axes.errorbar(
            [each.step],
            [value],
            yerr=error,
            fmt="o",
            color=RIGHT,
            markerfacecolor=face,
            markersize=5,
            capsize=3,
            clip_on=False,
        )
    axes.set_xlabel("training step" + ("; open: partial" if any(each.partial for each in points) else ""))
    axes.set_ylabel("percent")
    axes.set_ylim(bottom=0)
    return figure


def write_sweep(name: str, rows: Sequence[tuple[str, Row]], folder: Path) -> list[Path]:
    """Per task pass@1 over mean tokens, a point for each value of the setting, as .png and .svg."""
    tasks = dict.fromkeys(row.task for _, row in rows)
    return saved(
        {
            f"{file_name(task)}_{name}": sweep_figure(task, name, [pair for pair in rows if pair[1].task == task])
            for task in tasks
        },
        folder,
    )


def sweep_figure(task: str, name: str, rows: Sequence[tuple[str, Row]]) -> Figure:
    """A dot with its interval for each value, joined in their order."""
    figure, axes = _axes(6, 3.6, title=f"{task}, pass@1 by {name.replace('_', ' ')}, 95 % interval over new samples")
    points = [(row.mean_tokens, 100 * row.pass_at_1.value, value, row) for value, row in rows if row.mean_tokens]
    axes.plot([x for x, *_ in points], [y for _, y, *_ in points], color=RIGHT, linewidth=1.0, alpha=0.5)
    for x, y, value, row in points:
        if ends := row.pass_at_1.same_problems:
            axes.plot([x, x], [100 * end for end in ends], color=RIGHT, linewidth=1.5)
        axes.plot([x], [y], "o", color=RIGHT, markersize=5, clip_on=False)
        axes.annotate(value, (x, y), xytext=(6, 5), textcoords="offset points", fontsize=8, parse_math=False)
    axes.set_xlabel("mean tokens of a reply")
    axes.set_ylabel("percent")
    axes.set_ylim(0, 105)
    axes.set_xlim(left=0)
    return figure


def write_figures(tasks: Sequence[TaskSummary], folder: Path) -> list[Path]:
    """scores, and per task pass_at_k, lengths and one per group, each as .png and .svg."""
    pictures = {"scores": scores_figure([score for task in tasks for score in task.scores])}
    for task in tasks:
        name = file_name(task.name)
        if task.curves:
            pictures[f"{name}_pass_at_k"] = curve_figure(task)
        for place, each in enumerate(task.lengths):
            suffix = f"_{place}" if len(task.lengths) > 1 else ""
            pictures[f"{name}_lengths{suffix}"] = lengths_figure(each, title=f"{task.name}, {named(task, each.run)}")
        for group in task.groups:
            pictures[f"{name}_by_{re.sub(r'[^a-zA-Z0-9.-]+', '-', group)}"] = group_figure(task, group)
    return saved(pictures, folder)


def saved(pictures: Mapping[str, Figure], folder: Path) -> list[Path]:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; --figures wants a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    # Without a date and with these ids, so that the same run gives the same file.
    with rc_context({"svg.hashsalt": "lighteval-r1"}):
        for name, picture in pictures.items():
            for ending in ("png", "svg"):
                path = folder / f"{name}.{ending}"
                picture.savefig(path, dpi=200, metadata={"Date": None} if ending == "svg" else None)
                paths.append(path)
    return paths


def file_name(task: str) -> str:
    return re.sub(r"[^\w.-]+", "-", task)


def named(task: TaskSummary, run: str) -> str:
    return f"{run} (partial)" if run in task.partial else run


def titled(task: TaskSummary, words: str = "") -> str:
    """The task's name, with "partial" where its only run is; of several runs each name says it."""
    return task.name + words + (" (partial)" if len(task.lengths) == 1 and task.partial else "")


def _axes(width: float, height: float, *, title: str = "") -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    style(axes, title=title)
    return figure, axes


def style(axes: Axes, *, title: str, fontsize: float = 10) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    # A title is text, whatever a model's name holds: "$" begins no formula.
    axes.set_title(title, fontsize=fontsize, loc="left", parse_math=False)


def as_text(labels: Iterable[Text]) -> None:
    """So that a "$" in them begins no formula."""
    for label in labels:
        label.set_parse_math(False)


def _names(axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    as_text(axes.get_yticklabels())
    axes.invert_yaxis()


def _dot(axes, scored, y: float, *, colour: str) -> None:
    """A tick in a band, the interval on the same problems, and a line, that on other problems."""
    same, others = scored.estimate.same_problems, scored.estimate.other_problems
    if others is not None:
        axes.plot([100 * end for end in others], [y, y], "|-", color=colour, linewidth=1.0, markersize=7)
    if same is not None:
        axes.plot([100 * end for end in same], [y, y], color=colour, linewidth=6, solid_capstyle="butt")
    axes.plot([100 * scored.value], [y], "|", color="black", markersize=12, clip_on=False)


def scores_figure(scores: Sequence[TaskScore]) -> Figure:
    """A tick with its 95 % intervals per task and run; published numbers as open diamonds."""
    figure, axes = _axes(7, 1.1 + 0.42 * len(scores), title=f"pass@1 with {INTERVALS}")
    for y, score in enumerate(scores):
        _dot(axes, score.scored, y, colour=RIGHT)
        for each in score.scored.published:
            if not each.is_mean:
                continue
            axes.plot([100 * each.value], [y], "D", color=OTHERS, markerfacecolor="none", markersize=6)
    names = [f"{score.task}\n{score.scored.run}" for score in scores]
    _names(
        axes,
        [f"{name} ({score.partial})" if score.partial else name for name, score in zip(names, scores, strict=True)],
    )
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent" + ("; diamonds: published" if any(score.scored.published for score in scores) else ""))
    return figure


def curve_figure(task: TaskSummary) -> Figure:
    figure, axes = _axes(5, 3.4, title=titled(task))
    for at, (run, points) in enumerate(task.curves):
        ks, values = [k for k, _ in points], [100 * value for _, value in points]
        axes.plot(ks, values, "o-", color=COLOURS[at % len(COLOURS)], markersize=3.5, label=named(task, run))
    axes.set_xscale("log", base=2)
    ticks = max(([k for k, _ in points] for _, points in task.curves), key=len)
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_xlabel("k")
    axes.set_ylabel("pass@k, percent")
    if len(task.curves) > 1:
        as_text(axes.legend(frameon=False, fontsize=8).get_texts())
    return figure


def lengths_figure(lengths: Lengths, *, title: str) -> Figure:
    figure, axes = _axes(5, 3.0, title=title)
    edges = length_edges([*lengths.right, *lengths.others])
    axes.hist(
        [lengths.right, lengths.others], bins=edges, stacked=True, color=[RIGHT, OTHERS], label=["right", "others"]
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(lengths.unit)
    axes.set_ylabel("replies")
    axes.legend(frameon=False, fontsize=8)
    return figure


def group_figure(task: TaskSummary, group: str) -> Figure:
    values = task.groups[group]
    figure, axes = _axes(6, 1.1 + 0.36 * len(values), title=titled(task, f" by {group}, pass@1 with {INTERVALS}"))
    runs = list(dict.fromkeys(each.run for of_runs in values.values() for each in of_runs))
    for y, of_runs in enumerate(values.values()):
        for each in of_runs:
            at = runs.index(each.run)
            offset = (at - (len(runs) - 1) / 2) * 0.5 / max(len(runs), 1)
            _dot(axes, each, y + offset, colour=COLOURS[at % len(COLOURS)])
    _names(
        axes, [f"{value} ({max(each.estimate.n_problems for each in of_runs)})" for value, of_runs in values.items()]
    )
    for at, run in enumerate(runs if len(runs) > 1 else []):
        axes.plot([], [], "o", color=COLOURS[at % len(COLOURS)], label=named(task, run))
    if len(runs) > 1:
        as_text(figure.legend(frameon=False, fontsize=8, loc="outside lower center").get_texts())
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent; problems in brackets")
    return figure
