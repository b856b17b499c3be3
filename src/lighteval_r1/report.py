"""The report: one page to look at, with the numbers that estimates.py gives and the replies behind them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lighteval_r1 import __version__, page
from lighteval_r1.details import Run, TaskRun
from lighteval_r1.estimates import estimate, interval, pass_at_k
from lighteval_r1.page import drawings
from lighteval_r1.page.excerpts import Reply, excerpt_characters, write_replies
from lighteval_r1.page.tables import Table, grid_data, sample_data
from lighteval_r1.records import Outcome


def write_page(tables: Sequence[Table], content: dict, *, out: Path) -> None:
    """The page, and beside it `<stem>.files/` with the replies that do not fit into it."""
    names = list(dict.fromkeys(table.task for table in tables))
    folder = out.with_suffix(".files")
    out.parent.mkdir(parents=True, exist_ok=True)
    data = grid_data(tables, task_names=names)
    data |= {"id": _page_id(tables), "folder": folder.name}
    n_samples = sum(len(problem.samples) for table in tables for problem in table.task_run.problems)
    characters = excerpt_characters(n_samples)
    samples = []
    for at, table in enumerate(tables):

        def keep(place: int, replies: list[Reply | None], *, at: int = at) -> None:
            folder.mkdir(exist_ok=True)
            path = folder / f"{at}-{place}.js"
            write_replies(path, page_id=data["id"], replies=replies)
            data["tables"][at]["rows"][place]["file"] = path.name

        samples.append(sample_data(table, characters=characters, keep=keep))
    # Last, so that a page never stands without the files it names.
    out.write_text(page.render(content, data=data, samples=samples), encoding="utf-8")


def _page_id(tables: Sequence[Table]) -> str:
    """Says which page a reply file belongs to: a digest of every reply."""
    digest = hashlib.sha256()
    for table in tables:
        for problem in table.task_run.problems:
            for sample in problem.samples:
                digest.update(f"{table.task} {problem.id} {sample.index} {len(sample.reply)} ".encode())
                digest.update(sample.reply.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
