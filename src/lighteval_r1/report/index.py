"""The index: one page over the runs of a folder, and behind its cells the page of each run."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1 import __version__
from lighteval_r1.outside.words import counted
from lighteval_r1.records import ADDED, UserError, sha256
from lighteval_r1.report import page
from lighteval_r1.report.contents import PublishedOf, files_beside, in_short, short_name, write_report
from lighteval_r1.report.page.thinking_section import write_whole
from lighteval_r1.report.summary import Curve
from lighteval_r1.runs.outputs import check_page, writing
from lighteval_r1.runs.overview import RunFigures, TaskFigures, place_of, run_figures, sources_under
from lighteval_r1.runs.pairing import STEP, step_of
from lighteval_r1.runs.reading import read_run

# Settings that name a model, or that its family brings along: runs of two models differ by them and can be compared.
OF_THE_MODEL = ("model", "revision", "chat_template", "dtype")
# Shown, but two runs that differ by it are alike.
CHANCE = "seed"


@dataclass(frozen=True)
class Line:
    """One line of the index: a model under its settings, with the tasks of one or several runs. step: of a training."""

    key: tuple[str, ...]
    first: RunFigures
    cells: dict[str, RunFigures]

    @property
    def step(self) -> int | None:
        return step_of(self.first.run)

    @property
    def family(self) -> tuple[str, str]:
        """What checkpoints of one training have in common."""
        model, settings = self.first.run.model, self.first.run.settings
        ours = {name: value for name, value in settings.items() if name not in ("model", "revision")}
        return STEP.sub("", model), json.dumps(ours, sort_keys=True)


def write_index(folder: Path, *, out: Path, published: PublishedOf, numbers: str) -> Iterator[str]:
    """The page at once, then a page for each run, in `<stem>.files/`. Yields what a user should be told meanwhile.

    numbers: says which published numbers there are; a run's page that is newer than its run and was made with the same
    ones is kept.
    """
    check_page(out)
    figures, failures = read_all(folder)
    if not figures:
        raise UserError(failures[0] if failures else f"{folder} holds no run.")
    beside = files_beside(out)
    pages = {each.source: f"{page_name(each, folder)}.html" for each in figures}
    with writing(out):
        beside.mkdir(parents=True, exist_ok=True)
        content = index_content(folder, figures, failures, pages, beside=beside.name)
        write_whole(page.render_index(**content), out=out)
        yield f"{out} is there; now the pages of its {counted(len(figures), 'run')}."
        missing = [
            words
            for each in figures
            if (words := write_run_page(each, beside / pages[each.source], published, numbers))
        ]
        if missing:
            yield from missing
            content = index_content(folder, figures, [*failures, *missing], pages, beside=beside.name)
            write_whole(page.render_index(**content), out=out)


def read_all(folder: Path) -> tuple[list[RunFigures], list[str]]:
    """The runs, the newest first, and of those that cannot be read why."""
    figures, failures = [], []
    for source in sources_under(folder):
        try:
            figures.append(run_figures(source))
        except UserError as error:
            failures.append(f"{source}: {error}")
    return sorted(figures, key=lambda each: (each.written, str(each.source)), reverse=True), failures


def page_name(each: RunFigures, folder: Path) -> str:
    """The same whenever the index is written, and another for every run."""
    where = str(each.source.relative_to(folder))
    return re.sub(r"[^\w.-]+", "-", short_name(each.run.model), flags=re.ASCII)[:60] + "-" + sha256(where)[:8]


def write_run_page(each: RunFigures, out: Path, published: PublishedOf, numbers: str) -> str:
    """ "" or why there is none."""
    made_of = sha256([__version__, numbers, str(each.source), each.source.stat().st_mtime_ns])[:16]
    if out.is_file() and page.made_of(out) == made_of:
        return ""
    try:
        write_report([read_run(each.source)], out=out, published=published, partial=True, made_of=made_of)
    except UserError as error:
        return f"no page for {each.source}: {error}"
    return ""


def lines_of(figures: Sequence[RunFigures]) -> list[Line]:
    """A line per model and settings; a task that two runs of one line hold begins another line, so that none hides."""
    lines: list[Line] = []
    of_key: dict[tuple[str, ...], list[Line]] = {}
    for each in figures:
        run = each.run
        key = (run.model, json.dumps(run.settings, sort_keys=True), "" if run.settings else run.path)
        line = next((line for line in of_key.get(key, []) if not line.cells.keys() & each.tasks.keys()), None)
        if line is None:
            line = Line(key, each, {})
            lines.append(line)
            of_key.setdefault(key, []).append(line)
        line.cells.update(dict.fromkeys(each.tasks, each))
    return lines


def commonest(values: Sequence[str]) -> str:
    return Counter(values).most_common(1)[0][0] if values else ""


def settings_words(lines: Sequence[Line]) -> list[tuple[list[str], bool]]:
    """Per line the settings that most runs do not have, in words, and whether they keep it from being compared."""
    asked = [ADDED | line.first.run.settings if line.first.run.settings else {} for line in lines]
    names = [name for name in dict.fromkeys(name for each in asked for name in each) if name not in OF_THE_MODEL]
    usual = {name: commonest([in_short(each[name]) for each in asked if name in each]) for name in names}
    found = []
    for each in asked:
        differs = [name for name in names if name in each and in_short(each[name]) != usual[name]]
        words = [f"{name.replace('_', ' ')} {in_short(each[name])}" for name in differs]
        found.append((words if each else ["settings not known"], not each or any(name != CHANCE for name in differs)))
    return found


def unusual(conditions: Mapping[str, str], usual: Mapping[str, str]) -> str:
    """What sets a cell apart from most of its column, in words: "n 4, 5 problems"; "" where nothing does."""
    differs = [name for name, value in conditions.items() if value and usual[name] and value != usual[name]]
    if "problems" in differs:
        # a part of the problems has other prompts and data of itself
        differs = [name for name in differs if name not in ("prompts", "data")]
    words = {
        "prompts": "other prompts",
        "data": "other data",
        "problems": counted(int(conditions["problems"] or 0), "problem"),
    }
    return ", ".join(words.get(name, f"{name} {conditions[name]}") for name in differs)


def index_content(
    folder: Path, figures: Sequence[RunFigures], failures: Sequence[str], pages: Mapping[Path, str], *, beside: str
) -> dict:
    lines = lines_of(figures)
    names = sorted({name for line in lines for name in line.cells})
    usual = {
        name: usual_conditions([line.cells[name].tasks[name] for line in lines if name in line.cells]) for name in names
    }
    marks: dict[str, int] = {}
    rows = []
    for line, (words, apart) in zip(lines, settings_words(lines), strict=True):
        cells = {}
        for name, each in line.cells.items():
            mark = unusual(each.tasks[name].conditions, usual[name])
            number = marks.setdefault(mark, len(marks) + 1) if mark else 0
            cells[names.index(name)] = cell(each.tasks[name], mark=number, href=f"{beside}/{pages[each.source]}")
        rows.append(
            {
                "model": short_name(line.first.run.model),
                "full": line.first.run.model,
                "words": words,
                "apart": apart,
                "step": line.step,
                "where": str(place_of(line.first.source)[0].relative_to(folder)),
                "source": str(line.first.source),
                "written": line.first.written,
                "cells": cells,
            }
        )
    return {
        "content": {
            "title": f"{counted(len(figures), 'run')} in {folder.resolve().name}",
            "subtitle": ", ".join(
                (counted(len({line.first.run.model for line in lines}), "model"), counted(len(names), "task"))
            ),
            "marks": [(number, words) for words, number in marks.items()],
            "failures": failures,
            "curves": checkpoint_curves(lines, rows, names),
            "version": __version__,
        },
        "data": {"tasks": names, "rows": rows},
    }


def usual_conditions(cells: Sequence[TaskFigures]) -> dict[str, str]:
    """Of each condition what most of a column's cells have; of prompts and data, most of those on as many problems."""
    names = list(dict.fromkeys(name for each in cells for name in each.conditions))
    usual = {name: commonest([each.conditions[name] for each in cells if each.conditions.get(name)]) for name in names}
    whole = [each for each in cells if each.conditions["problems"] == usual["problems"]]
    return usual | {
        name: commonest([each.conditions[name] for each in whole if each.conditions[name]])
        for name in ("prompts", "data")
    }


def cell(of: TaskFigures, *, mark: int, href: str) -> list:
    """As index.js reads it: value, both intervals, mark, page, and what stands in its title."""
    found = of.estimate
    shares = [found.n_problems, found.n_samples, of.mean_tokens, of.truncated, of.no_answer]
    return [found.value, found.same_problems, found.other_problems, mark, href, of.partial, *shares]


def checkpoint_curves(lines: Sequence[Line], rows: Sequence[dict], names: Sequence[str]) -> dict[str, list[Curve]]:
    """Per task a curve for each training of which two steps or more are there, under the conditions of most."""
    families: dict[tuple[str, str], list[tuple[int, dict]]] = {}
    for line, row in zip(lines, rows, strict=True):
        if line.step is not None:
            families.setdefault(line.family, []).append((line.step, row))
    curves: dict[str, list[Curve]] = {}
    for place, name in enumerate(names):
        for members in families.values():
            points = {}
            # the newest run of a step stands first
            for step, row in reversed(members):
                if (found := row["cells"].get(place)) and not found[3]:
                    points[step] = (step, found[0], *(found[1] or (found[0], found[0])), found[4])
            if len(points) > 1:
                row = members[0][1]
                label = ", ".join([STEP.sub("", row["model"]).strip("-_. ") or row["full"], *row["words"]])
                curves.setdefault(name, []).append(Curve(label, [points[step] for step in sorted(points)]))
    return curves
