"""The page of `lighteval-r1 think`: one self-contained HTML file without any script."""

from collections.abc import Sequence
from pathlib import Path

from lighteval_r1 import __version__
from lighteval_r1.report import page
from lighteval_r1.report.page.panels import panel
from lighteval_r1.runs.outputs import check_page, writing
from lighteval_r1.thinking.summary import TaskThinking, Told, panels
from lighteval_r1.thinking.table import COUNTS, MEASURE_HEADERS, task_lines, thinking_legend


def section(task: TaskThinking) -> dict:
    """What the template shows of one task: six drawings over levels where it has any, and the table's lines."""
    return {
        "name": task.name,
        "runs": task.runs,
        # without levels each would be a picture of one dot, which the table says better
        "panels": [(each.measure.title, each.measure.share, panel(each)) for each in panels(task)]
        if len(task.groups.get("level", {})) > 1
        else [],
        "headers": ["problems", "replies", *MEASURE_HEADERS, *COUNTS],
        "lines": task_lines(task),
        "legend": thinking_legend().replace("\n", " "),
    }


def write_page(told: Told, labels: Sequence[str], *, out: Path) -> None:
    check_page(out)
    content = {
        "title": f"How {', '.join(labels[:3])}{f' and {len(labels) - 3} more' if len(labels) > 3 else ''} "
        f"think{'s' if len(labels) == 1 else ''}",
        "notes": told.notes,
        "sections": [section(task) for task in told.tasks],
        "agreement": told.agreement,
        "version": __version__,
    }
    write_whole(page.render_still(content, template="think.html.jinja"), out=out)


def write_whole(text: str, *, out: Path) -> None:
    """At once, so that a page never stands half written."""
    whole = out.with_name(out.name + ".new")
    with writing(out):
        # A command line may hold bytes that are no text.
        whole.write_text(text, encoding="utf-8", errors="backslashreplace")
        whole.replace(out)
