"""Runs one test of a program through the server, from a grading process: what it wrote, and how it ended.

The server is started when it is first needed, with a clean environment, at the strictest level that the machine allows,
and again where it was killed. A test that was under way then is run once more.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import lighteval_r1
from lighteval_r1.programs import server
from lighteval_r1.records import GraderDied, UserError

# Source: LiveCodeBench's checker gives each test 6 s. Here they are of CPU time, so that a busy machine changes no grade.
LIMIT_S = 6
START_LIMIT_S = 60.0
# The server has limits of its own; this long past the last of them, it is stuck.
SERVER_GRACE_S = 30.0
READ_BYTES = 1 << 16
RESULT_BYTES_BESIDE_VALUE = 1 << 16
ATTEMPTS = 3
UNSAFE = "LIGHTEVAL_R1_UNSAFE_CODE"
# Strictest first. Without a system call filter nothing else holds, so it is in all.
LEVELS = (
    {"namespaces": True, "landlock": True, "seccomp": True},
    {"namespaces": False, "landlock": True, "seccomp": True},
)
KEPT_VARIABLES = ("TMPDIR", "TZ")


@dataclass(frozen=True)
class Ran:
    """One test. output: what was written, up to the limit. result: what the program's process told, None if nothing.

    end: "exited", "signal", "time limit", "idle", "disk limit", "output limit" or "killed" (by another hand, repeatedly).
    """

    output: bytes
    result: bytes
    end: str
    code: int = 0


def unsafe_allowed() -> bool:
    return os.environ.get(UNSAFE, "") not in ("", "0")


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
        hello = self.receive(START_LIMIT_S)
        self.level: str = hello["level"]
        self.can: list[str] = hello["can"]

    def receive(self, limit_s: float) -> dict:
        ready, _, _ = select.select([self.socket], [], [], limit_s)
        message = self.socket.recv(server.MAX_MESSAGE_BYTES) if ready else b""
        if not message:
            self.close()
            raise ConnectionError("the server of programs ended" if ready else "the server of programs does not answer")
        return json.loads(message)

    def close(self) -> None:
        """The server sees the connection close, ends what runs and removes its folder."""
        self.socket.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connect(levels: tuple[dict, ...] = LEVELS) -> Connection:
    """A server at the strictest of the levels that holds here. UserError where none does and the user did not allow it."""
    can: list[str] = []
    for wanted in levels:
        try:
            connection = Connection(wanted)
        except ConnectionError:
            continue
        if not connection.can:
            return connection
        can = can or connection.can
        connection.close()
    if not unsafe_allowed():
        raise UserError(
            "this machine allows no confinement of programs that a model wrote"
            + (f": they could {', '.join(can)}" if can else "")
            + ". It takes Linux with seccomp, and Landlock (5.13) or user namespaces. To run them all the same, with this "
            f"user's rights, say --allow-unsafe-code or set {UNSAFE}=1."
        )
    try:
        connection = Connection(levels[-1] | {"namespaces": False})
    except ConnectionError as error:
        raise GraderDied(str(error)) from None
    connection.level = f"unsafe: {connection.level}; programs can {', '.join(connection.can)}"
    return connection


class Runner:
    """Runs tests one at a time. levels: which confinements are tried, in this order."""

    def __init__(self, levels: tuple[dict, ...] = LEVELS, *, limit_s: int = LIMIT_S) -> None:
        self.levels, self.limit_s = levels, limit_s
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    @property
    def level(self) -> str:
        """What confines programs here: "namespaces + Landlock 7 + seccomp + limits". UserError where nothing does."""
        with self._lock:
            return self._connected().level

    def run(self, code: int, given: bytes, *, function: str | None, numpy: bool, max_bytes: int) -> Ran:
        """code: descriptor of the program's text (see sealed). max_bytes: of output, and of the result's value.

        Raises GraderDied where the server ends again and again.
        """
        request = {"function": function, "numpy": numpy, "cpu_s": self.limit_s}
        ran = None
        with self._lock:
            for _ in range(ATTEMPTS):
                try:
                    ran = self._run(request, code, given, max_bytes=max_bytes)
                except (ConnectionError, TimeoutError):
                    self._drop()
                    continue
                # Nothing in a program can send it SIGKILL, so another hand did: memory ran out, or somebody's kill.
                if (ran.end, ran.code) != ("signal", 9):
                    return ran
        if ran is None:
            raise GraderDied(f"the server of programs ended {ATTEMPTS} times over one test")
        return Ran(b"", b"", "killed")

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self.levels)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, request: dict, code: int, given: bytes, *, max_bytes: int) -> Ran:
        connection = self._connected()
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:

            def opened(fds: tuple[int, ...], until: contextlib.ExitStack) -> None:
                for fd in fds:
                    until.callback(os.close, fd)

            input_file = sealed(given)
            opened((input_file,), theirs)
            (output, output_in), (result, result_in) = os.pipe(), os.pipe()
            opened((output_in, result_in), theirs)
            opened((output, result), ours)
            for fd in (output, result):
                os.set_blocking(fd, False)
            message = [json.dumps(request).encode()]
            socket.send_fds(connection.socket, message, [code, input_file, output_in, result_in])
            theirs.close()
            limits = {output: max_bytes, result: max_bytes + RESULT_BYTES_BESIDE_VALUE}
            deadline = time.monotonic() + server.PATIENCE * self.limit_s + SERVER_GRACE_S
            written, ended = collect(connection, limits, deadline=deadline)
            return Ran(written[output], written[result], ended["end"], ended["code"])


def collect(connection: Connection, limits: dict[int, int], *, deadline: float) -> tuple[dict[int, bytes], dict]:
    """Reads the pipes up to their limits until the server says that the program ended; past a limit it is stopped."""
    parts: dict[int, list[bytes]] = {fd: [] for fd in limits}
    left = dict(limits)
    too_much = False
    poll = select.poll()
    for fd in (*limits, connection.socket.fileno()):
        poll.register(fd, select.POLLIN)

    def read(fd: int) -> bool:
        """Whether there was something to read, and room for it."""
        data = os.read(fd, READ_BYTES)
        left[fd] -= len(data)
        parts[fd].append(data)
        return bool(data) and left[fd] >= 0

    while True:
        ready = [fd for fd, _ in poll.poll(max(0.0, 1000 * (deadline - time.monotonic())))]
        if not ready:
            connection.close()
            raise TimeoutError("the server of programs is stuck")
        for fd in ready:
            if fd in parts and not read(fd):
                poll.unregister(fd)
                if left[fd] < 0:
                    too_much = True
                    connection.socket.send(server.STOP)
        if connection.socket.fileno() in ready:
            ended = connection.receive(SERVER_GRACE_S)
            break
    for fd in parts:
        # What was written before the end; a descriptor that something unconfined still holds is not waited for.
        while left[fd] >= 0:
            try:
                if not read(fd):
                    break
            except BlockingIOError:
                break
    too_much = too_much or min(left.values()) < 0
    return {fd: b"".join(data) for fd, data in parts.items()}, {**ended, **({"end": "output limit"} if too_much else {})}


def sealed(data: bytes) -> int:
    """A file in memory with that content, which nobody can change any more."""
    fd = os.memfd_create("program", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd
