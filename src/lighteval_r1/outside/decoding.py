"""What stands in files and columns, held to the fields and types of our nouns before anything computes with it.

A file may be damaged, cut off, edited, or be somebody else's altogether.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import msgspec

from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError

T = TypeVar("T")


def read_json(path: Path) -> object:
    """UserError where the file cannot be read, is empty, or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        why = "it is empty" if not path.stat().st_size else f"it is no JSON ({one_line(error, longest=200)})"
        raise UserError(f"cannot read {path}: {why}.") from None


def decoded(kind: type[T], record: object, *, where: object) -> T:
    """The noun that a record describes; fields that it does not have are left out. UserError names where it stands."""
    try:
        return msgspec.convert(record, kind)
    except ValueError as error:  # msgspec's own, and what it says of half a character in a word
        raise UserError(f"cannot read {one_line(where)}: {one_line(error, longest=200)}.") from None


def described(kind: type[T], record: object, *, where: object) -> T:
    """The noun that a user's file describes. UserError also for fields that it does not have."""
    names = [known.name for known in fields(kind)]  # type: ignore[arg-type]
    if isinstance(record, dict) and (unknown := [name for name in record if name not in names]):
        raise UserError(f"{one_line(where)}: there is no {one_line(unknown[0])!r}. It may hold: {', '.join(names)}.")
    return decoded(kind, record, where=where)


@contextmanager
def row_of_others(where: object) -> Iterator[None]:
    """Around what takes a row apart: UserError, with its place, where a part is missing or of another shape."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else one_line(error, longest=200).rstrip(".")
        raise UserError(f"{one_line(where)}: {what}.") from None
