"""The command lighteval-r1, a file for each of its commands. The only room that imports typer."""

import contextlib
import os
import sys
from dataclasses import dataclass

import typer

from lighteval_r1 import __version__
from lighteval_r1.cli.ask import ask_command
from lighteval_r1.cli.audit import audit_command
from lighteval_r1.cli.bench import bench_command
from lighteval_r1.cli.campaign import campaign_command
from lighteval_r1.cli.compare import compare_command
from lighteval_r1.cli.doctor import doctor_command
from lighteval_r1.cli.endpoint import endpoint_command
from lighteval_r1.cli.evaluate import evaluate_command
from lighteval_r1.cli.jobs import jobs_command
from lighteval_r1.cli.options import MakesWords, OptionsFile, register
from lighteval_r1.cli.plan import plan_command
from lighteval_r1.cli.recipes import recipes_command
from lighteval_r1.cli.report import report_command
from lighteval_r1.cli.requirements import requirements_command
from lighteval_r1.cli.results import results_command
from lighteval_r1.cli.runs import runs_command
from lighteval_r1.cli.sane import sane_command
from lighteval_r1.cli.score import score_command
from lighteval_r1.cli.submit import submit_command
from lighteval_r1.cli.tasks import check_command, tasks_command
from lighteval_r1.cli.think import think_command
from lighteval_r1.cli.upload import push_revision_command, upload_command
from lighteval_r1.cli.view import view_command
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import ended_by, one_line, say
from lighteval_r1.records import Failure, UserError

app = typer.Typer(
    add_completion=False,
    # else names of options are cut off where the screen is narrow
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Measure reasoning models: pass@1 from many sampled replies per problem, with its error.",
    epilog="Variables of the environment:\n\n\b\n" + variables.table(),
)


@dataclass(frozen=True, kw_only=True)
class VersionOptions:
    pass


def version_command(options: VersionOptions) -> None:
    """Print the version."""
    say(__version__)


register(app, "version", version_command)
register(app, "evaluate", evaluate_command, besides=MakesWords)
register(app, "plan", plan_command)
register(app, "tasks", tasks_command)
register(app, "recipes", recipes_command)
register(app, "requirements", requirements_command)
register(app, "doctor", doctor_command)
register(app, "runs", runs_command)
register(app, "check", check_command)
register(app, "score", score_command)
register(app, "audit", audit_command)
register(app, "results", results_command)
register(app, "report", report_command)
register(app, "view", view_command)
register(app, "compare", compare_command)
register(app, "upload", upload_command)
register(app, "push-revision", push_revision_command, hidden=True)
register(app, "submit", submit_command, besides=OptionsFile)
register(app, "jobs", jobs_command)
register(app, "campaign", campaign_command)
register(app, "think", think_command)
register(app, "endpoint", endpoint_command, besides=OptionsFile)
register(app, "ask", ask_command)
register(app, "bench", bench_command)
register(app, "sane", sane_command)


def main() -> None:
    """Run the command; a failure is one line on stderr and its exit code, never a traceback."""
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        # a table with a sign that the screen does not know is a table all the same
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")
    try:
        # what typer would draw in a box is a line like every other
        code = app(arguments or ["--help"], standalone_mode=False, prog_name="lighteval-r1")
    except typer.TyperException as mistake:
        words = one_line(mistake.format_message()).rstrip(".")
        context = getattr(mistake, "ctx", None)
        help_of = f" See {context.command_path} --help." if context else ""
        raise ended_by(UserError(f"{words}.{help_of}")) from None
    except typer.Abort:
        raise SystemExit(1) from None
    except Failure as failure:
        raise ended_by(failure) from None
    except OSError as error:
        raise ended_by(of_machine(error)) from None
    sys.exit((code or 0) if arguments else UserError.exit_code)


def of_machine(error: OSError) -> UserError:
    """In words, what the machine refuses and no command foresees: a disk, a folder or a screen that goes meanwhile."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return UserError("the folder in which this command was called is gone; call it in another.")
    return UserError(f"{error.filename or 'this machine'}: {error.strerror or error}.")
