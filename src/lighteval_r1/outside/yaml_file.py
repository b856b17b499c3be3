"""A YAML file that a user wrote."""

from pathlib import Path

import yaml

from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError


def read_yaml(path: Path, *, what: str) -> object:
    """What it holds. what: as a refusal calls it. UserError, naming the line, where it is no YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {what} {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} is not UTF-8 text ({error.reason}).") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        why = one_line(getattr(error, "problem", None) or error)
        raise UserError(f"{what} {path}{line}: not YAML ({why}).") from None
