"""The connection to a server of programs, started at the strictest level of confinement that holds on this machine.

It starts with a clean environment, in a session of its own, and ends when the connection is closed, however this
process ends. Each level is tried, not guessed: the server says what one of its children could do although it should
not.
"""

import json
import os
import select
import socket
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import lighteval_r1
from lighteval_r1.confined import server
from lighteval_r1.confined.processes import children, give_way, thread_states
from lighteval_r1.outside import variables
from lighteval_r1.records import GraderDied, UserError

# Long, because processes that give way to an engine may wait for a core.
START_LIMIT_S = 600.0
UNSAFE = variables.UNSAFE_CODE.name
# Strictest first. Without a system call filter nothing else holds, so it is in all.
LEVELS = (
    {"namespaces": True, "landlock": True, "seccomp": True},
    {"namespaces": False, "landlock": True, "seccomp": True},
)
LIMITS_ONLY = {"namespaces": False, "landlock": False, "seccomp": False}
# How much of a look at a process counts as waiting, by the state of its busiest thread: none where it runs or waits for
# a
# core, all where it sleeps; a disk that is slow, or full of other people's work, has ten times as long.
WAITING = {"R": 0.0, "D": 0.1}
KEPT_VARIABLES = ("TMPDIR", "TZ")


def allow_unsafe() -> None:
    """What --allow-unsafe-code does, for this process and those it starts."""
    variables.UNSAFE_CODE.set("1")


class Connection:
    """A server that is up. Raises ConnectionError where it does not come up."""

    def __init__(self, wanted: dict) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        # The same order of sets in every run; no threads in the server; this package wherever it lies.
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(lighteval_r1.__file__).parents[1])}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", server.__name__, str(theirs.fileno()), json.dumps(wanted)],
                env=environment | kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        if os.sched_getscheduler(0) == os.SCHED_IDLE:
            # its session would not, though the scheduling is inherited
            give_way(self.process.pid)
        hello = self.receive(START_LIMIT_S)
        self.level: str = hello["level"]
        self.can: list[str] | None = hello["can"]

    def receive(self, limit_s: float) -> dict:
        ready, _, _ = select.select([self.socket], [], [], limit_s)
        message = self.socket.recv(server.MAX_MESSAGE_BYTES) if ready else b""
        if not message:
            self.close()
            raise ConnectionError("the server of programs ended" if ready else "the server of programs does not answer")
        return json.loads(message)

    def waiting(self) -> float:
        """1 where the program and the server both sleep, 0 where one runs or waits for a core."""
        servers = children(self.process.pid)
        programs = [program for server_pid in servers for program in children(server_pid)]
        states = "".join(map(thread_states, [*servers, *programs]))
        return min((WAITING.get(state, 1.0) for state in states), default=1.0)

    def close(self) -> None:
        """The server sees the connection close, ends what runs and removes its folder."""
        self.socket.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connect(levels: tuple[dict, ...] = LEVELS) -> Connection:
    """A server at the strictest of the levels that holds here.

    UserError where none does and the user did not allow it.
    """
    can: list[str] = []
    for wanted in levels:
        try:
            connection = Connection(wanted)
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
            "this "
            f"user's rights, say --allow-unsafe-code or set {UNSAFE}=1."
        )
    for wanted in (levels[-1], LIMITS_ONLY):
        try:
            connection = Connection(wanted)
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
