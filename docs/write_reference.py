"""Writes docs/reference.md from the code: every command's options, the variables of the environment, the exit codes.

    python docs/write_reference.py

tests/test_docs.py holds the page to what this makes.
"""

import dataclasses
import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from lighteval_r1 import cli, records
from lighteval_r1.cli.evaluate import EvaluateOptions
from lighteval_r1.cli.options import make_name
from lighteval_r1.outside import variables

PAGE = Path(__file__).with_name("reference.md")
TYPES = {str: "text", int: "number", float: "number", Path: "path"}
BEGINNING = """# Reference

Made from the code by `python docs/write_reference.py`. What a word means stands on the other pages.

## Commands

An option `--max-tokens` is `MAX_TOKENS=` for `make evaluate` and `max_tokens` in a file of options and in Python.
A default in brackets holds where the option is left out. An option without a value has an opposite: `--public` and
`--no-public`.
"""


def shown_commands() -> Iterator[typer.models.CommandInfo]:
    """The commands that are meant for people."""
    return (command for command in cli.app.registered_commands if not command.hidden)


def parameters(command: typer.models.CommandInfo) -> dict[str, inspect.Parameter]:
    """What a command takes, by name; arguments first."""
    found = {
        name: parameter
        for name, parameter in inspect.signature(command.callback).parameters.items()
        if isinstance(parameter.default, typer.models.ParameterInfo) and not parameter.default.hidden
    }
    return dict(sorted(found.items(), key=lambda item: isinstance(item[1].default, typer.models.OptionInfo)))


def spellings(name: str, parameter: inspect.Parameter) -> list[str]:
    """["--output", "-o"] of an option; the name alone of an argument."""
    if isinstance(parameter.default, typer.models.ArgumentInfo):
        return [name.upper()]
    return list(parameter.default.param_decls) or [f"--{name.replace('_', '-')}"]


def value_of(parameter: inspect.Parameter) -> str:
    """What stands behind the option; "" where nothing does."""
    kind = parameter.annotation
    if isinstance(kind, types.UnionType):
        (kind,) = (choice for choice in get_args(kind) if choice is not type(None))
    if kind is bool:
        return ""
    if kind == list[str]:
        return "…" if isinstance(parameter.default, typer.models.ArgumentInfo) else "text, again and again"
    return parameter.default.metavar or TYPES[kind]


def default_of(parameter: inspect.Parameter) -> str:
    default: Any = parameter.default.default
    if default is ... or default in ("", None, False, 0, []):
        return "must be said" if default is ... else ""
    return "yes" if default is True else f"`{default}`"


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(*rows: tuple[str, ...]) -> str:
    head, *lines = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, tuple("---" for _ in head), *lines))


def command_part(command: typer.models.CommandInfo) -> str:
    rows = [
        (
            ", ".join(f"`{text}`" for text in spellings(name, parameter)),
            value_of(parameter),
            default_of(parameter),
            cell(parameter.default.help),
        )
        for name, parameter in parameters(command).items()
    ]
    options = "\n\n" + table(("", "takes", "default", ""), *rows) if rows else ""
    return f"### {command.name}\n\n{cell(command.callback.__doc__)}{options}"


def make_names() -> list[str]:
    """What `make evaluate` takes, as it is spelt there."""
    return [make_name(field) for field in dataclasses.fields(EvaluateOptions)]


def make_part() -> str:
    named = " ".join(f"`{name}=`" for name in make_names())
    rows = [
        ("`make evaluate`", named),
        ("`make upload`", "`MODEL=` or `OUT=`, `UPLOAD=` `PUBLIC=`"),
        ("`make test`", "`PYTEST_ARGS=` `TEST_PROCESSES=`"),
        ("`make soak`", "`SOAK=` `PYTEST_ARGS=`"),
        ("all of them", "`DEVICE=` (`gpu` or `cpu`), `VENV=` (`.venv`), `PYTHON=` (`python3`)"),
    ]
    return f"## Options of make\n\n{table(('', 'takes'), *rows)}"


def variables_part() -> str:
    rows = [
        (f"`{variable.name}`", cell(variable.meaning), variable.read_by)
        for variable in variables.VARIABLES
        if not variable.internal
    ]
    own = ", ".join(f"`{variable.name}`" for variable in variables.VARIABLES if variable.internal)
    head = ("variable", "", "read by")
    return f"## Variables of the environment\n\n{table(head, *rows)}\n\nThe package sets these for itself: {own}."


def exit_codes_part() -> str:
    rows = [
        ("`0`", "it is done"),
        (f"`{records.MEND}`", "mend what the line on standard error says; the same command would end in the same way"),
        (
            f"`{records.AGAIN}`",
            "the same command again goes on from there: samples are owed, or an engine or grader died",
        ),
    ]
    return f"## Exit codes\n\n{table(('code', 'meaning'), *rows)}"


def page() -> str:
    commands = [command_part(command) for command in shown_commands()]
    return "\n\n".join([BEGINNING.strip(), *commands, make_part(), variables_part(), exit_codes_part()]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
