"""Text files that a user wrote: a prompt, a list of tasks, YAML."""

from pathlib import Path

import yaml

from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError


def read_text(path: str | Path, *, what: str) -> str:
    """All of it, byte for byte. what: as a refusal calls it. UserError where it cannot be read, or is no UTF-8."""
    try:
        return Path(path).expanduser().read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(f"cannot read {what} {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} is not UTF-8 text ({error.reason}).") from None


def read_yaml(path: Path, *, what: str) -> object:
    """What it holds. UserError, naming the line, where it is no YAML."""
    try:
        return yaml.safe_load(read_text(path, what=what))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        why = one_line(getattr(error, "problem", None) or error)
        raise UserError(f"{what} {path}{line}: not YAML ({why}).") from None
