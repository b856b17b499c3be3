"""The command lighteval-r1. The only module that imports typer; each command is a thin call into its module."""

import sys

import typer

from lighteval_r1 import __version__
from lighteval_r1.records import EngineError, UserError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure reasoning models: pass@1 from many sampled replies per problem, with its error.",
)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.callback()
def _commands() -> None:
    """Keeps the subcommand form while there is one command."""


def main() -> None:
    """Run the command; a user's mistake is one line on stderr and exit code 2, never a traceback."""
    try:
        app()
    except (UserError, EngineError) as error:
        print(f"lighteval-r1: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
