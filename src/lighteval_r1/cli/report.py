"""`lighteval-r1 report`: a page to look at."""

import sys
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import ALSO_HELP, argument, option
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    runs: list[str] = argument("Runs: output folders, journals, graded files, details files, or Hub data sets.")
    output: Path = option(Path("report.html"), "The page; full replies go to a folder beside it.", "--output", "-o")
    figures: Path | None = option(None, "A folder for the pictures, as PNG and SVG.")
    baselines: Path | None = option(None, "A TOML file with further published numbers.")
    also: str = option("", ALSO_HELP, metavar="NAME,…")
    tokenizer: str = option("", "Folder or Hub id of the tokenizer, where a run's model is not at hand.")
    thinking: bool = option(True, "Measure how the replies think, too.")
    partial: bool = option(False, "Report what there is while samples are owed or ungraded.")


def report_command(options: ReportOptions) -> None:
    """Write a page to look at: scores with intervals, a grid of problems and samples, every reply."""
    from lighteval_r1.numbers.baselines import published_numbers
    from lighteval_r1.numbers.estimators import named
    from lighteval_r1.report.contents import run_labels, write_report
    from lighteval_r1.runs.outputs import check_page
    from lighteval_r1.runs.reading import read_run

    check_page(options.output)
    numbers, also = published_numbers(options.baselines), named(options.also)
    thinking, runs = None, [read_run(run) for run in options.runs]
    if options.thinking:
        from lighteval_r1.thinking.measure_runs import LONG_WAIT, for_report, n_characters

        if n_characters(runs) > LONG_WAIT:
            print("measuring how the replies think, a minute or more; --no-thinking leaves it out", file=sys.stderr)
        thinking = for_report(run_labels(runs), runs, tokenizer=options.tokenizer, partial=options.partial)
    write_report(
        runs,
        out=options.output,
        published=numbers,
        partial=options.partial,
        figures=options.figures,
        thinking=thinking,
        also=also,
    )
    say(options.output)
