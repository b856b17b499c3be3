"""What was drawn and how it was graded, on disk: append-only JSONL, so that nothing is lost and nothing drawn twice.

The files and how they are read are those of journal_files.py. A line that does not match its checksum is reported with
file and line number, copied to <file>.damaged and left out, so that its sample is owed again. A process writes only to
files it created itself: a torn last line of a killed run is never written on to.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from lighteval_r1.outside.words import tell
from lighteval_r1.records import DRAWN_FIELDS, Grade, RunProblem, Sample, Settings, UserError, to_record
from lighteval_r1.sampling.journal_files import (
    Asked,
    encode_line,
    grade_record,
    problem_line,
    read_problems,
    read_samples,
    read_settings,
)

FSYNC_EVERY_S = 1.0


def as_open_as_its_folder(path: str, flags: int) -> int:
    """A file that the group and others may read where they may read its folder: replies are the user's own."""
    return os.open(path, flags, 0o600 | (os.stat(os.path.dirname(path) or ".").st_mode & 0o044))


def open_new(path: Path) -> IO[bytes]:
    return open(path, "xb", buffering=0, opener=as_open_as_its_folder)


class Writer:
    """Appends lines to a file of its own. A line is in the kernel when append returns, on the disk a second later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._failed: OSError | None = None
        self._dirty = threading.Event()
        self._closed = False
        self._lock = threading.Lock()
        self._syncing = threading.Lock()

    def append(self, record: dict) -> None:
        """UserError, naming the file, where the disk is full or fails, or the folder cannot be written."""
        line = encode_line(record)
        with self._refusing(), self._lock:
            if self._failed is not None:
                # What the kernel could not bring to the disk is not written on to: the run stops and says so.
                raise self._failed
            if self._file is None:
                self._file = open_new(self.path)
                threading.Thread(target=self._sync_often, daemon=True).start()
            self._write(line)
        self._dirty.set()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cannot write {self.path}: {error.strerror}. Everything drawn before is kept; "
                "make room or mend the folder's rights and run the same command again."
            ) from None

    def _write(self, line: bytes) -> None:
        begin = self._file.tell()
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError:
            # Half a line would read as damage: take it back.
            self._file.truncate(begin)
            self._file.seek(begin)
            raise

    def _sync_often(self) -> None:
        while not self._closed:
            self._dirty.wait(FSYNC_EVERY_S)
            try:
                self.sync()
            except OSError as error:
                self._failed = error
                return
            time.sleep(FSYNC_EVERY_S)

    def sync(self) -> None:
        # Not under the lock of append: a slow disk must not hold up the sampling.
        with self._syncing:
            if self._file is not None and self._dirty.is_set():
                self._dirty.clear()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """UserError where what was written does not reach the disk."""
        try:
            with self._refusing():
                self.sync()
                if self._failed is not None:
                    raise self._failed
        finally:
            with self._syncing, self._lock:
                self._closed = True
                if self._file is not None:
                    self._file.close()
                    self._file = None


class Journal:
    """The samples of one task under one model and settings.

    samples: key -> Sample, with its grade where it has one by this version of the task and these marks. Holds what
    earlier runs wrote, and grows as this run appends.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings,
        version: int,
        shard: tuple[int, int] | None = None,
        marks: str = "",
    ) -> None:
        self.folder = folder
        self.marks = marks
        self.settings = settings
        self.version = version
        self.damaged: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._locks = take_locks(folder, shard)
            write_settings(folder, settings)
        except OSError as error:
            raise UserError(f"cannot use {folder}: {error.strerror}. Choose another cache_dir.") from None
        writer = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}"
        self._samples_out = Writer(folder / f"samples-{writer}.jsonl")
        self._grades_out = Writer(folder / f"grades-v{version}-{writer}.jsonl")
        self.samples: dict[str, Sample] = read_samples(folder, version=version, damage=self._set_aside, marks=marks)

    def _set_aside(self, path: Path, number: int, line: bytes) -> None:
        self.damaged.append(f"{path}, line {number}")
        aside = path.with_suffix(".jsonl.damaged")
        try:
            known = aside.read_bytes().splitlines() if aside.exists() else []
            if line.rstrip(b"\n") in known:
                return
            with open(aside, "ab", opener=as_open_as_its_folder) as out:
                out.write(line.rstrip(b"\n") + b"\n")
        except OSError as error:
            raise UserError(
                f"cannot write {aside}: {error.strerror}. Make room and run the same command again."
            ) from None
        tell(f"{path}, line {number} is damaged; it is set aside in {aside.name} and drawn again.")

    def keep_asked(self, asked: Asked, problems: Sequence[RunProblem]) -> None:
        """What this run asks for, so that others can tell how far it is, and each problem once."""
        known = read_problems(self.folder, damage=self._set_aside)
        merged = known | {problem.id: replace(problem, samples=[], metric={}) for problem in problems}
        if merged != known:
            write_whole(self.folder / "problems.jsonl", b"".join(map(problem_line, merged.values())))
        said = asdict(replace(asked, problem_ids=[problem.id for problem in problems]))
        # versions that know nothing of these read the file of any other run
        kept = {name: value for name, value in said.items() if value or name not in ("part", "weight", "error")}
        write_whole(self.folder / "asked.json", json.dumps(kept).encode())

    def add_sample(self, sample: Sample) -> None:
        if sample.key in self.samples:
            return
        self._samples_out.append(to_record(sample, DRAWN_FIELDS))
        self.samples[sample.key] = sample

    def add_grade(self, key: str, grade: Grade, *, divided: Sample | None = None) -> None:
        """divided: the sample as it was read for this grade."""
        sample = (divided or self.samples[key]).graded(grade)
        self._grades_out.append(grade_record(sample))
        self.samples[key] = sample

    def close(self) -> None:
        self._samples_out.close()
        self._grades_out.close()
        for lock in self._locks:
            lock.close()


def take_locks(folder: Path, shard: tuple[int, int] | None) -> list[IO]:
    """Waits, saying so, until no other run writes what this one would.

    A plain run excludes all others; shards of one run exclude plain runs and the same shard, not each other.
    """
    if shard is None:
        return [wait_for_lock(folder / "lock", fcntl.LOCK_EX)]
    part = folder / f"lock-{shard[0]}-of-{shard[1]}"
    return [wait_for_lock(folder / "lock", fcntl.LOCK_SH), wait_for_lock(part, fcntl.LOCK_EX)]


def wait_for_lock(path: Path, mode: int) -> IO:
    file = open(path, "a+", opener=as_open_as_its_folder)
    said = False
    while True:
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if not said:
                tell(f"Another run is writing {path.parent}; waiting until it ends.")
                said = True
            time.sleep(0.5)


def write_settings(folder: Path, settings: Settings) -> None:
    path = folder / "settings.json"
    # One of no bytes is what a power failure leaves; the folder's name says what stood in it.
    if not path.exists() or not path.stat().st_size:
        write_whole(path, json.dumps(asdict(settings), indent=2, ensure_ascii=False).encode())


def write_whole(path: Path, data: bytes) -> None:
    """A reader finds the old file or the new one, never a part."""
    draft = path.with_suffix(f".{socket.gethostname()}-{os.getpid()}.draft")
    with open(draft, "wb", opener=as_open_as_its_folder) as out:
        out.write(data)
    draft.replace(path)


def why_anew(folder: Path, settings: Settings) -> str | None:
    """Why nothing of earlier runs of this task counts: the nearest other settings and what differs; None if none
    are."""
    paths = [path for path in folder.parent.glob("*/settings.json") if path.parent != folder and path.stat().st_size]
    others = [read_settings(path.parent) for path in paths]
    if not others:
        return None
    nearest = min((other.differences(settings) for other in others), key=len)
    return f"sampling anew: {'; '.join(nearest)} since the nearest earlier run."
