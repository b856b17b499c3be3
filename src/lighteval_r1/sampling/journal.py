"""What was drawn and how it was graded, on disk: append-only JSONL, so that nothing is lost and nothing drawn twice.

    <cache_dir>/lighteval_r1/<model>/<task>/<settings id>/
        settings.json            what the samples were drawn with
        asked.json               what the latest run asked for: n, problems, version of the task
        samples-<writer>.jsonl   one file per writer, one line per sample
        grades-v<V>-<writer>.jsonl   one line per grade; V is the task's version. Delete them to grade anew
        lock                     held while a run writes here

Each line is a JSON object that begins with the CRC-32 of the rest. A line that does not match is reported with file and
line number, copied to <file>.damaged and left out, so that its sample is owed again. A process writes only to files it
created itself: a torn last line of a killed run is never written on to.
"""

import fcntl
import json
import os
import socket
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from lighteval_r1.records import Grade, Outcome, Sample, Settings, UserError

FSYNC_EVERY_S = 1.0


def journal_folder(cache_dir: str, *, task: str, settings: Settings) -> Path:
    model = settings.model.strip("/").replace("/", "--") or "model"
    return Path(cache_dir).expanduser() / "lighteval_r1" / model / task / settings.id


def encode_line(record: dict) -> bytes:
    """The record as one line of ASCII JSON with its checksum in front."""
    body = json.dumps(record, separators=(",", ":")).encode()[1:]
    return b'{"crc32":"%08x",%s\n' % (zlib.crc32(body), body)


def decode_line(line: bytes) -> dict | None:
    """The record of a line; None where the line is torn or does not match its checksum."""
    if not line.startswith(b'{"crc32":"') or not line.endswith(b"\n"):
        return None
    body = line[20:-1]
    if line[18:20] != b'",' or b"%08x" % zlib.crc32(body) != line[10:18]:
        return None
    return json.loads(b"{" + body)


@dataclass(frozen=True)
class Asked:
    """What a run asked of a journal: n samples of each problem, graded by this version of the task."""

    n: int
    version: int
    problem_ids: list[str]


class Writer:
    """Appends lines to a file of its own. A line is in the kernel when append returns, on the disk a second later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._dirty = threading.Event()
        self._closed = False
        self._lock = threading.Lock()
        self._syncing = threading.Lock()

    def append(self, record: dict) -> None:
        """UserError, naming the file, where the disk is full or the folder cannot be written."""
        line = encode_line(record)
        try:
            with self._lock:
                if self._file is None:
                    self._file = self.path.open("xb", buffering=0)
                    threading.Thread(target=self._sync_often, daemon=True).start()
                self._write(line)
        except OSError as error:
            raise UserError(
                f"cannot write {self.path}: {error.strerror}. Everything drawn before is kept; "
                "make room or mend the folder's rights and run the same command again."
            ) from None
        self._dirty.set()

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
            self.sync()
            time.sleep(FSYNC_EVERY_S)

    def sync(self) -> None:
        # Not under the lock of append: a slow disk must not hold up the sampling.
        with self._syncing:
            if self._file is not None and self._dirty.is_set():
                self._dirty.clear()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self.sync()
        with self._syncing, self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()
                self._file = None


class Journal:
    """The samples and grades of one task under one model and settings.

    samples: key -> Sample. grades: key -> Grade. Both hold what earlier runs wrote, and grow as this run appends.
    """

    def __init__(self, folder: Path, *, settings: Settings, version: int, shard: tuple[int, int] | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.version = version
        self.samples: dict[str, Sample] = {}
        self.grades: dict[str, Grade] = {}
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
        self.read()

    def read(self) -> None:
        """Takes in what lies in the folder; the first of two lines with one key counts."""
        for path in sorted(self.folder.glob("samples-*.jsonl")):
            for record in self._records(path):
                self.samples.setdefault(record["key"], Sample(**record))
        for path in sorted(self.folder.glob(f"grades-v{self.version}-*.jsonl")):
            for record in self._records(path):
                if record["key"] in self.samples:
                    grade = Grade(Outcome(record["outcome"]), record["answer"], record["step"])
                    self.grades.setdefault(record["key"], grade)

    def _records(self, path: Path) -> Iterator[dict]:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                record = decode_line(line)
                if record is None:
                    self._set_aside(path, number=number, line=line)
                else:
                    yield record

    def _set_aside(self, path: Path, *, number: int, line: bytes) -> None:
        self.damaged.append(f"{path}, line {number}")
        aside = path.with_suffix(".jsonl.damaged")
        known = aside.read_bytes().splitlines() if aside.exists() else []
        if line.rstrip(b"\n") in known:
            return
        print(f"{path}, line {number} is damaged; it is set aside in {aside.name} and drawn again.", file=sys.stderr)
        with aside.open("ab") as out:
            out.write(line.rstrip(b"\n") + b"\n")

    def asked(self, *, n: int, problem_ids: list[str]) -> None:
        """Keeps what this run asks for, so that others can tell how far it is."""
        asked = Asked(n=n, version=self.version, problem_ids=problem_ids)
        write_whole(self.folder / "asked.json", json.dumps(asdict(asked)))

    def add_sample(self, sample: Sample) -> None:
        if sample.key in self.samples:
            return
        # vars, not asdict: asdict copies every string of a reply
        self._samples_out.append(vars(sample))
        self.samples[sample.key] = sample

    def add_grade(self, key: str, grade: Grade) -> None:
        self._grades_out.append({"key": key, "outcome": grade.outcome, "answer": grade.answer, "step": grade.step})
        self.grades[key] = grade

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
    file = path.open("a+")
    said = False
    while True:
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if not said:
                print(f"Another run is writing {path.parent}; waiting until it ends.", file=sys.stderr)
                said = True
            time.sleep(0.5)


def write_settings(folder: Path, settings: Settings) -> None:
    path = folder / "settings.json"
    if not path.exists():
        write_whole(path, json.dumps(asdict(settings), indent=2, ensure_ascii=False))


def write_whole(path: Path, text: str) -> None:
    """A reader finds the old file or the new one, never a part."""
    draft = path.with_suffix(f".{socket.gethostname()}-{os.getpid()}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def read_asked(folder: Path) -> Asked | None:
    """None where no run has said yet."""
    path = folder / "asked.json"
    return Asked(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def read_settings(folder: Path) -> Settings:
    return Settings(**json.loads((folder / "settings.json").read_text()))


def why_anew(folder: Path, settings: Settings) -> str | None:
    """Why nothing of earlier runs of this task counts: the nearest other settings and what differs; None if none are."""
    others = [read_settings(path.parent) for path in folder.parent.glob("*/settings.json") if path.parent != folder]
    if not others:
        return None
    nearest = min((other.differences(settings) for other in others), key=len)
    return f"sampling anew: {'; '.join(nearest)} since the nearest earlier run."
