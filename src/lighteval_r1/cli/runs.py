"""`lighteval-r1 runs`: what the journals hold."""

from dataclasses import dataclass

from lighteval_r1.cli.options import option
from lighteval_r1.engines import CACHE_DIR
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class RunsOptions:
    cache_dir: str = option("", "The cache_dir of the runs (the folder lighteval in HF_HOME).")


def runs_command(options: RunsOptions) -> None:
    """List what the journals hold. Per model, task and settings, how many samples are drawn, owed and graded."""
    from lighteval_r1.runs.journals import holdings, holdings_table

    say(holdings_table(holdings(options.cache_dir or CACHE_DIR)))
