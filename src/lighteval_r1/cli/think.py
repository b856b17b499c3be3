"""What `lighteval-r1 think` prints, and the page and pictures it writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.numbers.tables import columns
from lighteval_r1.records import UserError
from lighteval_r1.report.contents import run_labels
from lighteval_r1.runs.outputs import check_page, writing
from lighteval_r1.runs.reading import read_run
from lighteval_r1.thinking.judge import Judge
from lighteval_r1.thinking.measure_runs import Choice, measure_runs
from lighteval_r1.thinking.summary import Told
from lighteval_r1.thinking.table import cells_of, head, legend, table


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
    if output is not None:
        check_page(output)
    choice = Choice(**limits, judge=judging.judge(), agree=judging.agree)
    runs = [read_run(source) for source in sources]
    labels = run_labels(runs)
    told = measure_runs(labels, runs, choice=choice)
    written = write(told, labels, output=output, figures=figures)
    return "\n\n".join([printed(told), *(["\n".join(map(str, written))] if written else [])])


def printed(told: Told) -> str:
    parts = [*(table(task) for task in told.tasks)]
    if told.means:
        parts.append(columns([head("all tasks"), *([each.run, *cells_of(each)] for each in told.means)]))
    parts.append(legend())
    parts.append("\n".join(told.notes))
    parts.append(told.agreement)
    return "\n\n".join(each for each in parts if each)


def write(told: Told, labels: Sequence[str], *, output: Path | None, figures: Path | None) -> list[Path]:
    """The files written."""
    written = []
    if figures is not None:
        from lighteval_r1.report.thinking_pictures import write_figures

        with writing(figures):
            written += write_figures(told.tasks, figures)
    if output is not None:
        from lighteval_r1.report.page.thinking_section import write_page

        write_page(told, labels, out=output)
        written.append(output)
    return written
