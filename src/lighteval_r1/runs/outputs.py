"""Where a command writes: what cannot be written there is one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lighteval_r1.records import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around whatever writes to path: a folder that is not writable or a full disk becomes a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {error.filename or path}: {error.strerror or error}.") from None


def existing(folder: Path) -> Path:
    """The folder, or what it will be made in."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def check_page(out: Path) -> None:
    """UserError where out cannot be a page, before anything is computed for it. Makes its folder."""
    if out.suffix != ".html":
        raise UserError(f"{out} does not end in .html; name the page, such as {out.stem or 'report'}.html.")
    if out.is_dir():
        raise UserError(f"{out} is a folder; name the page in it, such as {out / 'report.html'}.")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
