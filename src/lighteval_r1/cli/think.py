"""What `lighteval-r1 think` prints, and the page and pictures it writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lighteval_r1.cli.options import argument, option
from lighteval_r1.numbers.tables import columns
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError
from lighteval_r1.runs.outputs import check_page, writing

if TYPE_CHECKING:
    from lighteval_r1.thinking.judge import Judge
    from lighteval_r1.thinking.summary import Told


@dataclass(frozen=True, kw_only=True)
class ThinkOptions:
    runs: list[str] = argument("Runs: output folders, journals, graded files, details files, or Hub data sets.")
    output: Path | None = option(None, "A page with the tables and the picture (think.html).", "--output", "-o")
    figures: Path | None = option(None, "A folder for the picture, as PNG and SVG.")
    tokenizer: str = option("", "Folder or Hub id of the tokenizer, where a run's model is not at hand.")
    max_tokens: int | None = option(None, "Leave out replies that think longer than this, for a judge's cost.", min=1)
    per_level: int | None = option(None, "Only the first so many problems of each level, for a judge's cost.", min=1)
    judge: str = option("", "An OpenAI-compatible server that is asked for the first correct step.", metavar="URL")
    judge_model: str = option("", "The model there.", metavar="NAME")
    judge_journal: Path | None = option(None, "Where judgements are kept (data/judge/NAME).")
    agree: bool = option(False, "With --judge: how far rule and judge agree.")
    partial: bool = option(False, "Measure what there is while samples are owed or ungraded.")


def think_command(options: ThinkOptions) -> None:
    """Measure how replies think. Tokens, first correct answer, efficiency, changes of approach."""
    from lighteval_r1.report.contents import run_labels
    from lighteval_r1.runs.reading import read_run
    from lighteval_r1.thinking.measure_runs import Choice, measure_runs

    if options.output is not None:
        check_page(options.output)
    choice = Choice(
        tokenizer=options.tokenizer,
        max_tokens=options.max_tokens or 0,
        per_level=options.per_level or 0,
        partial=options.partial,
        judge=judge_of(options),
        agree=options.agree,
    )
    runs = [read_run(source) for source in options.runs]
    labels = run_labels(runs)
    told = measure_runs(labels, runs, choice=choice)
    written = write(told, labels, output=options.output, figures=options.figures)
    say("\n\n".join([printed(told), *(["\n".join(map(str, written))] if written else [])]))


def judge_of(options: ThinkOptions) -> "Judge | None":
    from lighteval_r1.thinking.judge import Judge

    if bool(options.judge) != bool(options.judge_model):
        raise UserError("--judge URL and --judge-model NAME go together.")
    if not options.judge:
        if options.agree:
            raise UserError("--agree compares the rule with a judge: name one with --judge URL --judge-model NAME.")
        return None
    named = re.sub(r"[^\w.-]+", "--", options.judge_model).strip("-.")
    folder = options.judge_journal or Path("data") / "judge" / named
    return Judge(options.judge, model=options.judge_model, folder=folder)


def printed(told: "Told") -> str:
    from lighteval_r1.thinking.table import cells_of, head, thinking_legend, thinking_table

    parts = [*(thinking_table(task) for task in told.tasks)]
    if told.means:
        parts.append(columns([head("all tasks"), *([mean.run, *cells_of(mean)] for mean in told.means)]))
    parts.append(thinking_legend())
    parts.append("\n".join(told.notes))
    parts.append(told.agreement)
    return "\n\n".join(filter(None, parts))


def write(told: "Told", labels: Sequence[str], *, output: Path | None, figures: Path | None) -> list[Path]:
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
