"""Runs the tests of a program through the server, from a grading process: what it wrote, and how it ended.

The server is started when it is first needed, and again where it was killed; a test that was under way then is run once
more. A program's process goes on to its next test where the last one left no thread behind; see Ran.reused.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import threading
import time
from dataclasses import dataclass

from lighteval_r1.confined import server
from lighteval_r1.confined.child import GO, READY
from lighteval_r1.confined.connection import LEVELS, Connection, connect
from lighteval_r1.records import GraderDied

# Source: LiveCodeBench's checker gives each test 6 s. Here they are of CPU time, so that a busy machine changes no
# grade.
LIMIT_S = 6
# A test may sleep as long as it may compute. Looks are counted, not the time between them, so that to wait for a core,
# here or there, is never taken for sleep.
LOOK_EVERY_S = 0.25
# To end a program takes the server no time, but it may have to wait for a core.
SERVER_LIMIT_S = 600.0
READ_BYTES = 1 << 16
TOLD_BYTES_BESIDE_VALUE = 1 << 16
ATTEMPTS = 3


@dataclass(frozen=True)
class Ran:
    """One test. output: what was written, up to the limit. told: what the program's process says of it, {} if nothing.

    end: "finished", or what ended the process: "exited", "signal", "time limit", "idle", "disk limit", "output limit",
    "killed" (by another hand, repeatedly). reused: earlier tests of the program ran in the same process; a failure is
    then to be confirmed in a fresh one.
    """

    output: bytes
    told: dict
    end: str
    code: int = 0
    reused: bool = False


class Runner:
    """The server of one grading process. levels: which confinements are tried, in this order."""

    def __init__(self, levels: tuple[dict, ...] = LEVELS, *, limit_s: int = LIMIT_S) -> None:
        self.levels, self.limit_s = levels, limit_s
        self._connection: Connection | None = None
        # One program at a time.
        self.lock = threading.RLock()

    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self.levels)
        return self._connection

    def drop(self) -> None:
        """Ends the server and what it runs; the next test starts another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Process:
    """A program's process, ready for its first input. Raises ConnectionError where the server is gone."""

    def __init__(self, connection: Connection, code: int, given: bytes, request: dict) -> None:
        self.connection = connection
        self.n_tests = 0
        self.ended: dict | None = None
        self.input = os.memfd_create("input", os.MFD_CLOEXEC)
        self.place(given)
        self.output, output_in = os.pipe()
        os.set_blocking(self.output, False)
        self.channel, channel_in = socket.socketpair()
        self.channel.setblocking(False)
        try:
            files = [code, self.input, output_in, channel_in.fileno()]
            socket.send_fds(connection.socket, [json.dumps(request).encode()], files)
        except OSError:
            self.close()
            raise
        finally:
            os.close(output_in)
            channel_in.close()

    def place(self, given: bytes) -> None:
        os.ftruncate(self.input, 0)
        at = 0
        while at < len(given):
            at += os.pwrite(self.input, given[at:] if at else given, at)

    def go_on(self, given: bytes) -> None:
        """Another test."""
        self.place(given)
        self.connection.socket.send(server.NEXT)
        self.channel.send(GO)

    def test(self, *, max_bytes: int, limit_s: float) -> Ran:
        """Waits for the end of the test, or of the process."""
        reused, self.n_tests = self.n_tests > 0, self.n_tests + 1
        left = {self.output: max_bytes, self.channel.fileno(): max_bytes + TOLD_BYTES_BESIDE_VALUE}
        read: dict[int, bytearray] = {fd: bytearray() for fd in left}
        told = read[self.channel.fileno()]
        poll = select.poll()
        for fd in (*left, self.connection.socket.fileno()):
            poll.register(fd, select.POLLIN)
        end, waited_s, look = "", 0.0, time.monotonic() + LOOK_EVERY_S
        while not end:
            ready = [fd for fd, _ in poll.poll(max(0.0, 1000 * (look - time.monotonic())))]
            if self.connection.socket.fileno() in ready:
                self.ended = self.connection.receive(SERVER_LIMIT_S)
                end = self.ended["end"]
            for fd in left:
                # What comes with the last message was written before it.
                while (data := read_some(fd)) and len(read[fd]) <= left[fd]:
                    read[fd] += data
                if data == b"":
                    poll.unregister(fd) if fd in ready else None
            if any(len(read[fd]) > left[fd] for fd in left):
                end = "output limit"
            elif told.endswith(b"\n") and not end:
                end = "finished"
                while data := read_some(self.output):
                    read[self.output] += data
            elif not end and time.monotonic() >= look:
                waited_s += LOOK_EVERY_S * self.connection.waiting()
                look = time.monotonic() + LOOK_EVERY_S
                end = "idle" if waited_s > limit_s else ""
            if end and not reused and not told.startswith(READY):
                raise ConnectionError("a program's process ended before the program began")
        code = self.ended["code"] if self.ended else 0
        return Ran(bytes(read[self.output]), parsed(bytes(told).removeprefix(READY)), end, code, reused)

    def fit(self, ran: Ran) -> bool:
        """Whether the process may go on to another test."""
        return ran.end == "finished" and ran.told.get("threads") == 0

    def close(self) -> None:
        """Ends the process, if it has not, and waits until the server has swept up after it."""
        try:
            if self.ended is None:
                self.connection.socket.send(server.STOP)
                self.ended = self.connection.receive(SERVER_LIMIT_S)
        finally:
            self.release()

    def release(self) -> None:
        """Closes what this end holds."""
        os.close(self.input)
        os.close(self.output)
        self.channel.close()


def read_some(fd: int) -> bytes | None:
    """b"" at the end, None where nothing is there yet."""
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


def parsed(told: bytes) -> dict:
    """What a process told, which a program may have written to deceive: {} where it is no JSON object."""
    try:
        message = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


class Program:
    """One program and its process. Use as a context manager, or close()."""

    def __init__(self, runner: Runner, code: bytes, *, function: str | None, numpy: bool, n_tests: int) -> None:
        self.runner = runner
        self.request = {"function": function, "numpy": numpy, "cpu_s": runner.limit_s, "n_tests": n_tests}
        self._code = sealed(code)
        self._process: Process | None = None

    def __enter__(self) -> "Program":
        self.runner.lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end()
        finally:
            os.close(self._code)
            self.runner.lock.release()

    def test(self, given: bytes, *, max_bytes: int, fresh: bool = False) -> Ran:
        """max_bytes: of output, and of the function's value. fresh: in a new process. GraderDied where the server ends
        again and again."""
        n_killed = 0
        for _ in range(ATTEMPTS):
            try:
                ran = self._test(given, max_bytes=max_bytes, fresh=fresh)
            except ConnectionError:
                self.runner.drop()
                if self._process is not None:
                    self._process.release()
                self._process = None
                continue
            # Nothing in a program can send it SIGKILL, so another hand did: memory ran out, or somebody's kill.
            if (ran.end, ran.code) != ("signal", 9):
                return ran
            n_killed += 1
        if n_killed < ATTEMPTS:
            raise GraderDied(f"the server of programs ended {ATTEMPTS - n_killed} times over one test")
        return Ran(b"", {}, "killed")

    def _test(self, given: bytes, *, max_bytes: int, fresh: bool) -> Ran:
        if fresh:
            self._end()
        if self._process is None:
            self._process = Process(self.runner.connection(), self._code, given, self.request)
        else:
            self._process.go_on(given)
        ran = self._process.test(max_bytes=max_bytes, limit_s=self.runner.limit_s)
        if not self._process.fit(ran):
            self._end()
        return ran

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ConnectionError):
                process.close()


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
