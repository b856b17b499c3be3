"""`lighteval-r1 score`: grades for replies that were drawn elsewhere."""

from dataclasses import dataclass

from lighteval_r1.cli.options import ALSO_HELP, PARSER_HELP, RepliesOptions, argument, option
from lighteval_r1.graders.marks import AUTO
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(RepliesOptions):
    files: list[str] = argument(
        "Replies: JSONL, CSV or parquet with problem, answer and gen; files of LightEval, lm-evaluation-harness, "
        "EvalScope, Inspect; batch output; or hf://datasets/REPO of published details."
    )
    also: str = option("", ALSO_HELP, metavar="NAME,…")
    explain: str = option("", "Show how this one reply is graded, and grade no other.", metavar="UID")
    reasoning_parser: str = option(AUTO, PARSER_HELP, metavar="NAME")


def score_command(options: ScoreOptions) -> None:
    """Grade replies that were drawn elsewhere. The grades are written beside each file."""
    from lighteval_r1.runs import grading

    say(grading.run(**vars(options)))
