"""`lighteval-r1 view`: a run's samples in Inspect's viewer."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import argument, option


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    run: str = argument("A run: output folder, journal, graded file, details file, or Hub data set.")
    bundle: Path | None = option(None, "Make Inspect's static site in this folder instead of opening a viewer.")
    logs: Path | None = option(None, "Where the .eval logs go (data/inspect/MODEL).")


def view_command(options: ViewOptions) -> None:
    """Look at a run's samples in Inspect's viewer."""
    from lighteval_r1.report.inspect_logs import view
    from lighteval_r1.runs.reading import read_run

    view(read_run(options.run), logs=options.logs, bundle=options.bundle)
