"""`lighteval-r1 view`: a run's samples in Inspect's viewer, or as JSONL."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import argument, option
from lighteval_r1.outside.words import say
from lighteval_r1.records import UserError


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    run: str = argument("A run: output folder, journal, graded file, details file, or Hub data set.")
    bundle: Path | None = option(None, "Make Inspect's static site in this folder instead of opening a viewer.")
    jsonl: Path | None = option(None, "Write the samples to this folder, a .jsonl a task, and open no viewer.")
    logs: Path | None = option(None, "Where the .eval logs go (data/inspect/MODEL).")


def view_command(options: ViewOptions) -> None:
    """Look at a run's samples in Inspect's viewer."""
    from lighteval_r1.runs.reading import read_run

    if options.jsonl is not None:
        if options.bundle is not None or options.logs is not None:
            raise UserError("--jsonl writes the samples alone; --bundle and --logs are of Inspect's viewer.")
        from lighteval_r1.runs.export import write_jsonl

        say("\n".join(map(str, write_jsonl(read_run(options.run), options.jsonl))))
        return
    from lighteval_r1.report.inspect_logs import view

    view(read_run(options.run), logs=options.logs, bundle=options.bundle)
