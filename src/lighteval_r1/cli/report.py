"""`lighteval-r1 report`: a page to look at."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lighteval_r1.cli.options import ALSO_HELP, argument, option
from lighteval_r1.outside.words import say, tell
from lighteval_r1.records import UserError

if TYPE_CHECKING:
    from lighteval_r1.report.contents import PublishedOf


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    runs: list[str] = argument(
        "Runs: output folders, journals, graded files, details files, or Hub data sets; "
        "of a folder with several runs an index, and a page for each."
    )
    output: Path = option(Path("report.html"), "The page; full replies go to a folder beside it.", "--output", "-o")
    figures: Path | None = option(None, "A folder for the pictures, as PNG and SVG.")
    baselines: Path | None = option(None, "A TOML file with further published numbers.")
    also: str = option("", ALSO_HELP, metavar="NAME,…")
    tokenizer: str = option("", "Folder or Hub id of the tokenizer, where a run's model is not at hand.")
    thinking: bool = option(True, "Measure how the replies think, too.")
    partial: bool = option(False, "Report what there is while samples are owed or ungraded.")


def report_command(options: ReportOptions) -> None:
    """Write a page: scores, a grid of problems, every reply. Scores stand with their intervals."""
    from lighteval_r1.numbers.baselines import published_numbers
    from lighteval_r1.numbers.estimators import named
    from lighteval_r1.report.contents import run_labels, write_report
    from lighteval_r1.runs.outputs import check_page
    from lighteval_r1.runs.reading import read_run

    check_page(options.output)
    numbers, also = published_numbers(options.baselines), named(options.also)
    if is_folder_of_runs(options.runs):
        return write_index_of(options, numbers)
    thinking, runs = None, [read_run(run) for run in options.runs]
    if options.thinking:
        from lighteval_r1.thinking.measure_runs import LONG_WAIT, for_report, n_characters

        if n_characters(runs) > LONG_WAIT:
            tell("measuring how the replies think, a minute or more; --no-thinking leaves it out")
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


def is_folder_of_runs(runs: list[str]) -> bool:
    from lighteval_r1.runs.overview import holds_several

    return len(runs) == 1 and Path(runs[0]).expanduser().is_dir() and holds_several(Path(runs[0]).expanduser())


def write_index_of(options: ReportOptions, numbers: "PublishedOf") -> None:
    from lighteval_r1.report.index import write_index

    if options.figures is not None or options.also:
        option_named = "--also" if options.figures is None else "--figures"
        raise UserError(f"{option_named} is of runs that are named; {options.runs[0]} is a folder of runs.")
    made_with = options.baselines.read_text(encoding="utf-8") if options.baselines else ""
    for words in write_index(
        Path(options.runs[0]).expanduser(), out=options.output, published=numbers, numbers=made_with
    ):
        tell(words)
    say(options.output)
