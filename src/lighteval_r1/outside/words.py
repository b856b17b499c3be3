"""Words from outside (a model, a server, a program, a data set, a file) on their way to people and to files.

Printed, logged, put into an error or a grade's step: one_line. Printed as a text of several lines: printable. Kept: as
it came, but for what a format cannot hold: storable. Prompts, golds and the journal's replies are never altered.
"""

import contextlib
import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TextIO, TypeVar

from lighteval_r1.records import Failure, UserError

P, T = ParamSpec("P"), TypeVar("T")

# Control characters move a terminal's cursor and more, half characters cannot be written, overrides of direction
# deceive.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200e\u200f]")
SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_LINE = 600


def printable(text: str) -> str:
    """The text, safe to print; what is not becomes U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)


def one_line(text: object, *, longest: int = LONGEST_LINE, secret: str = "") -> str:
    """The words as one printable line of at most so many characters, without a secret that they may quote."""
    words = str(text)
    if secret:
        words = words.replace(secret, "***")
    line = printable(" ".join(words[: 4 * longest].split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def first_line(error: BaseException) -> str:
    """Of what an error says, whose further lines quote requests and list causes; its kind where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def counted(n: int, noun: str) -> str:
    """ "1 sample", "1,920 samples"; nouns that end in y are replies."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else many}"


def storable(value: object) -> object:
    """The value with what UTF-8 cannot hold (half characters) as U+FFFD, in texts at any depth."""
    if isinstance(value, str):
        return value if value.isascii() else SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(name): storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(storable(part) for part in value)
    return value


def tell(text: object, *, end: str = "\n") -> None:
    """What a command says of its work, on standard error."""
    show(text, sys.stderr, end=end)


def say(text: object) -> None:
    """What a command was asked for, on standard output. UserError where that is a full disk's file."""
    try:
        show(printable(str(text)), sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write to standard output: {error.strerror}.") from None


def show(text: object, stream: TextIO, *, end: str = "\n") -> None:
    """Also where a log stands in the stream's place (log_file); what is drawn over (end "") does not go to the log."""
    screen = getattr(stream, "screen", None)
    if end or screen is None:
        print(text, file=stream, end=end, flush=True)
    if screen is not None:
        # a terminal that was lost shows nothing; the log has it
        with contextlib.suppress(OSError):
            print(text, file=screen, end=end, flush=True)


def tell_end_of_log(n_lines: int = 20) -> None:
    """Where libraries' words go to a log: its last lines, which say why something ended."""
    log = getattr(sys.stderr, "path", None)
    if log is not None:
        tell("\n".join([f"The end of {log}:", *log.read_text(errors="replace").splitlines()[-n_lines:]]))


def ended_by(failure: Failure) -> SystemExit:
    """The end of this process, once the failure stands on stderr in its one line."""
    tell(printable(f"lighteval-r1: {failure}"))
    return SystemExit(failure.exit_code)


def plain_errors(function: Callable[P, T]) -> Callable[P, T]:
    """For what another program calls: a Failure ends it with its line and exit code, not with a traceback."""

    @wraps(function)
    def plain(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Failure as failure:
            raise ended_by(failure) from None

    return plain
