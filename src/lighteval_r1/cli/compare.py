"""`lighteval-r1 compare`: runs against each other and against published numbers."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import argument, option
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    runs: list[str] = argument("Runs, and names of published models such as deepseek-r1.")
    pool: bool = option(False, "Join runs of one model: more samples of the same problems.")
    checkpoints: bool = option(False, "Runs are checkpoints of one training: a table over its steps.")
    partial: bool = option(False, "Compare what there is while samples are owed or ungraded.")
    baselines: Path | None = option(None, "A TOML file with further published numbers.")
    refresh: bool = option(False, "Ask the Hub's leaderboards for published numbers, too.")
    figures: Path | None = option(None, "With --checkpoints: a folder for the curve, as PNG and SVG.")


def compare_command(options: CompareOptions) -> None:
    """Compare runs with each other and with published numbers. Runs are paired on the same problems."""
    from lighteval_r1.report import comparison

    say(comparison.compare(**vars(options)))
