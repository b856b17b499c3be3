"""`lighteval-r1 jobs`: submitted jobs, how far each is, and the last that it said."""

from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.options import argument
from lighteval_r1.numbers.tables import columns
from lighteval_r1.outside.folders import files_below
from lighteval_r1.outside.words import printable, say
from lighteval_r1.records import UserError
from lighteval_r1.slurm.jobs import JOB_IDS, states


@dataclass(frozen=True, kw_only=True)
class JobsOptions:
    folder: str = argument("Where the jobs' folders lie, or one of them.", default="data/jobs")


def jobs_command(options: JobsOptions) -> None:
    """List submitted Slurm jobs. Their states, samples drawn of those asked, and the last line of each."""
    home = Path(options.folder).expanduser()
    folders = sorted(path.parent for path in files_below(home, JOB_IDS))
    if not folders:
        raise UserError(f"there are no submitted jobs under {home}. `lighteval-r1 submit` says where it puts them.")
    known = states()
    rows = [["folder", "job", "state", "drawn", "asked"]]
    said = []
    for folder in folders:
        name = str(folder.relative_to(home)) if folder != home else folder.name
        drawn, asked = progress(folder)
        for number in (folder / JOB_IDS).read_text(encoding="utf-8").split():
            rows.append([name, number, known.get(number, "ended"), drawn, asked])
        said.append(f"{name}: {last_line(folder)}")
    say("\n".join([columns(rows, left=3), *said]))


def progress(folder: Path) -> tuple[str, str]:
    """Samples drawn and asked over the journals of the job's run; "–" where it has none yet."""
    # Imported here: a list of nothing needs no reader of journals.
    from lighteval_r1.runs.journals import holding
    from lighteval_r1.sampling.journal_files import JOURNALS_FILE, journals_named_in

    output = folder / "output"
    beside = Path(output.read_text(encoding="utf-8").strip()) / JOURNALS_FILE if output.is_file() else output
    if not beside.is_file():
        return "–", "–"
    journals = [holding(path) for path in journals_named_in(beside)]
    asked = [journal.asked for journal in journals]
    return f"{sum(journal.drawn for journal in journals):,}", "–" if None in asked else f"{sum(asked):,}"


def last_line(folder: Path) -> str:
    log = folder / "jobs.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return printable(lines[-1]) if lines else "it has not begun"
