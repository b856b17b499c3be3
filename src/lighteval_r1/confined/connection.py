"""The connection to a server of programs, started at the strictest level of confinement that holds on this machine.

It starts with a clean environment, in a session of its own, and ends when the connection is closed, however this
process ends. Each level is tried, not guessed: the server says what a child of its could do although it should not.
"""

import contextlib
import json
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import lighteval_r1
from lighteval_r1.confined import server
from lighteval_r1.confined.folder import make_folder
from lighteval_r1.confined.processes import descendants, give_way
from lighteval_r1.outside import variables
from lighteval_r1.records import GraderDied, UserError

# Long, because processes that give way to an engine may wait for a core.
START_LIMIT_S = 600.0
START_ATTEMPTS = 3
# How a keeper ends that was killed, and one whose server was.
KILLED = (-signal.SIGKILL, server.KILLED)
UNSAFE = variables.UNSAFE_CODE.name
# Strictest first. Without a system call filter nothing else holds, so it is in all.
LEVELS = (
    {"namespaces": True, "landlock": True, "seccomp": True},
    {"namespaces": False, "landlock": True, "seccomp": True},
)
LIMITS_ONLY = {"namespaces": False, "landlock": False, "seccomp": False}
KEPT_VARIABLES = ("TMPDIR", "TZ")


def allow_unsafe() -> None:
    """What --allow-unsafe-code does, for this process and those it starts."""
    variables.UNSAFE_CODE.set("1")


class ServerKilled(ConnectionError):
    """Another hand ended the server. Before it was up, that says nothing of what this machine allows."""


class Connection:
    """A server that is up, numpy: with that imported. Raises ConnectionError where it does not come up."""

    def __init__(self, wanted: dict, *, numpy: bool = False) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.folder, lock = make_folder()
        except OSError as error:
            raise GraderDied(f"no folder for programs can be made: {error}") from None
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        # The same order of sets in every run; no threads in the server; this package wherever it lies.
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        # No function of a library is looked up in each process anew.
        environment |= {"LD_BIND_NOW": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment |= {"PYTHONPATH": str(Path(lighteval_r1.__file__).parents[1])}
        described = [str(theirs.fileno()), self.folder, str(lock), json.dumps(wanted | {"numpy": numpy})]
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", server.__name__, *described],
                env=environment | kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), lock],
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(lock)
        if os.sched_getscheduler(0) == os.SCHED_IDLE:
            # its session would not, though the scheduling is inherited
            give_way(self.process.pid)
        hello = self.receive(START_LIMIT_S)
        self.level: str = hello["level"]
        self.can: list[str] | None = hello["can"]

    def receive(self, limit_s: float) -> dict:
        ready, _, _ = select.select([self.socket], [], [], limit_s)
        data = self.socket.recv(server.MAX_MESSAGE_BYTES) if ready else b""
        message = marshal.loads(data) if data else {"error": "its connection was closed" if ready else "no answer"}
        if "error" in message:
            self.close()
            raise (ServerKilled if self.process.returncode in KILLED else ConnectionError)(message["error"])
        return message

    def processes(self) -> list[int]:
        """The server and all that runs below it; [] where they are gone."""
        return descendants(self.process.pid)[1:]

    def close(self) -> None:
        """The server sees the connection close, ends what runs and removes its folder."""
        self.socket.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # What a killed keeper has left; where something of it still runs, the next starter finds the folder.
        shutil.rmtree(self.folder, ignore_errors=True)


def started(wanted: dict, *, numpy: bool) -> Connection:
    """A server at that level, tried again where another hand killed it: no level is weaker for that."""
    for _ in range(START_ATTEMPTS):
        with contextlib.suppress(ServerKilled):
            return Connection(wanted, numpy=numpy)
    raise GraderDied(f"the server of programs was killed {START_ATTEMPTS} times while it started")


def connect(levels: tuple[dict, ...] = LEVELS, *, numpy: bool = False) -> Connection:
    """A server at the strictest of the levels that holds here.

    UserError where none does and the user has not allowed that.
    """
    can: list[str] = []
    for wanted in levels:
        try:
            connection = started(wanted, numpy=numpy)
        except ConnectionError:
            continue
        if connection.can == []:
            return connection
        can = can or connection.can or []
        connection.close()
    if not variables.UNSAFE_CODE.value():
        raise UserError(
            "this machine allows no confinement of programs that a model wrote"
            + (f": they could {', '.join(can)}" if can else "")
            + ". It takes Linux with seccomp, and Landlock (5.13) or user namespaces. To run them all the same, with "
            f"this user's rights, say --allow-unsafe-code or set {UNSAFE}=1."
        )
    for wanted in (levels[-1], LIMITS_ONLY):
        try:
            connection = started(wanted, numpy=numpy)
        except ConnectionError:
            continue
        if connection.can is not None:
            connection.level = f"unsafe: {connection.level}; programs can {', '.join(connection.can)}"
            return connection
        connection.close()
    raise GraderDied("no program can be run: its process ends at once")


@lru_cache(maxsize=1)
def level() -> str:
    """What confines programs on this machine: "namespaces + Landlock 7 + seccomp + limits".

    UserError where nothing does and the user has not allowed that.
    """
    connection = connect()
    connection.close()
    return connection.level
