"""What `lighteval-r1 think` prints, and the page and pictures it writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.details import read_run
from lighteval_r1.records import Estimate, UserError
from lighteval_r1.report import run_labels
from lighteval_r1.tables import columns, percent
from lighteval_r1.thinking.measure_runs import Choice, Told, measure_runs
from lighteval_r1.thinking.judge import Judge
from lighteval_r1.thinking.measures import OVERTHINKING
from lighteval_r1.thinking.summary import MEASURES, Measure, Part, TaskThinking

HEADERS = ("T", "T^", "T - T^", "T^/T", "thoughts", "accuracy", "reached", "T^/T, else 0")
COUNTS = ("lost", "under", "over")


@dataclass(frozen=True)
class Judging:
    """A judge as it was named on the command line; "" for none."""

    url: str
    model: str
    journal: Path | None
    agree: bool

    def judge(self) -> Judge | None:
        if bool(self.url) != bool(self.model):
            raise UserError("--judge URL and --judge-model NAME go together.")
        if not self.url:
            if self.agree:
                raise UserError("--agree compares the rule with a judge: name one with --judge URL --judge-model NAME.")
            return None
        folder = self.journal or Path("data") / "judge" / re.sub(r"[^\w.-]+", "--", self.model).strip("-.")
        return Judge(self.url, model=self.model, folder=folder)


def think(
    sources: Sequence[str], *, judging: Judging, output: Path | None = None, figures: Path | None = None, **limits
) -> str:
    """What the command prints. limits: tokenizer, max_tokens, per_level and partial of Choice."""
    choice = Choice(**limits, judge=judging.judge(), agree=judging.agree)
    runs = [read_run(source) for source in sources]
    labels = run_labels(runs)
    told = measure_runs(labels, runs, choice=choice)
    written = write(told, labels, output=output, figures=figures)
    return "\n\n".join([printed(told), *map(str, written)])


def printed(told: Told) -> str:
    parts = [*(table(task) for task in told.tasks)]
    if told.means:
        parts.append(columns([head("all tasks"), *([each.run, *cells_of(each)] for each in told.means)]))
    parts.append(legend())
    parts.append("\n".join(told.notes))
    parts.append(told.agreement)
    return "\n\n".join(each for each in parts if each)


def head(words: str) -> list[str]:
    return [words, "problems", "replies", *HEADERS, *COUNTS]


def table(task: TaskThinking) -> str:
    return columns([head(task.name), *([words, *cells] for words, _, cells in task_lines(task))])


def task_lines(task: TaskThinking) -> list[tuple[str, bool, list[str]]]:
    """(what a line is of, whether it is the first of that, its cells): all problems, then each value of each group."""
    several = len(task.runs) > 1
    parts = [("all", task.whole)]
    for group, values in task.groups.items():
        for value, of_runs in values.items():
            parts.append((value if value.casefold().startswith(group.casefold()) else f"{group} {value}", of_runs))
    return [
        (f"{words} {each.run}" if several else words, place == 0, cells_of(each))
        for words, of_runs in parts
        for place, each in enumerate(of_runs)
    ]


def cells_of(each: Part) -> list[str]:
    cells = [cell(each.measures[measure.name], measure) for measure in MEASURES]
    counts = ["–" if each.unknown == each.n_replies else str(count) for count in (each.lost, each.underthinking, each.overthinking)]
    return [str(each.n_problems), str(each.n_replies), *cells, *counts]


def cell(found: Estimate | None, measure: Measure) -> str:
    """ "412 ± 35", "61.3 ± 4.0"; "–" where no reply has the measure."""
    if found is None:
        return "–"
    if measure.share:
        return f"{percent(found.value)} ± {percent(found.se_problems)}"
    digits = 1 if measure.name == "thoughts" or found.value < 100 else 0
    error = "–" if found.se_problems is None else f"{found.se_problems:.{digits}f}"
    return f"{found.value:.{digits}f} ± {error}"


def legend() -> str:
    return (
        "Means over problems ± standard errors over problems; T in tokens, shares in percent. T^: up to the first correct answer in the thinking,\n"
        "over replies that reach it. lost: reached, yet the final answer is wrong. under: lost after a change of approach. "
        f"over: right, with T at least {OVERTHINKING} T^."
    )


def write(told: Told, labels: Sequence[str], *, output: Path | None, figures: Path | None) -> list[Path]:
    """The files written."""
    written = []
    if figures is not None:
        from lighteval_r1.thinking.figures import write_figures

        written += write_figures(told.tasks, figures)
    if output is not None:
        from lighteval_r1.page.thinking import write_page

        write_page(told, labels, out=output)
        written.append(output)
    return written
