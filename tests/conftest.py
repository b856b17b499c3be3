"""What tests share: where the real data lies, and a machine without internet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soak

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# vLLM and LightEval are 7,000 files: where Python may keep nothing, each of some forty starts compiles them anew, half its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# LightEval's import downloads what a task of its own needs, unless it is there; a line that breaks meanwhile ends a test.
os.environ.setdefault("NLTK_DATA", str(Path(__file__).with_name("nltk_data")))

SHARED = Path(os.environ.get("LIGHTEVAL_R1_SHARED", Path(__file__).resolve().parents[2] / "shared"))


# Files that share a real server, a browser, or the long import of LightEval, inspect or the Hub's libraries, run in one process; the
# longest begin first, and what is short fills the time beside them.
TOGETHER = {
    "test_endpoint": "server",
    "test_endpoint_vllm": "server",
    "test_hostile_run": "server",
    "test_judge": "server",
    "test_levels": "server",
    "test_end_to_end": "lighteval",
    "test_told_vllm": "lighteval",
    "test_plugin": "lighteval",
    "test_marks": "lighteval",
    "test_engine_options": "lighteval",
    "test_intervals_everywhere": "lighteval",
    "test_reply_files": "inspect",
    "test_view": "inspect",
    "test_audit": "inspect",
    "test_hub": "hub",
    "test_push_faults": "hub",
    "test_recorded": "hub",
    "test_report_page": "browser",
    "test_looks": "browser",
    "test_index": "browser",
    "test_thinking_pages": "browser",
}
LONGEST_FIRST = (
    "test_slurm",
    "test_endpoint",
    "test_endpoint_vllm",
    "test_end_to_end",
    "test_told_vllm",
    "test_hub",
    "test_callbacks",
    "test_limits",
    "test_marks_vllm",
    "test_replicas",
    "test_docs",
    "test_trace",
    "test_first_minute",
    "test_process_kills",
    "test_endpoint_transformers",
    "test_report_page",
    "test_pool",
)


def pytest_configure(config):
    config.addinivalue_line("markers", "soak(part): has a long count, of that part of tests/soak.py")
    share_the_cores()


def pytest_collection_finish(session):
    """Every test process collects every file: ten seconds of imports at a file's head are paid by each of them."""
    long = {"torch", "lighteval", "vllm", "datasets", "inspect_ai", "matplotlib"} & set(sys.modules)
    if long:
        raise pytest.UsageError(f"collecting the tests imported {', '.join(sorted(long))}: import where it is used")


def share_the_cores() -> None:
    """Among several test processes an engine's one thread runs where a core is free: bound, those of all meet on the same.

    test_end_to_end.py's runs leave this out, and are bound as a user's.
    """
    if os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")


def group(file: Path) -> str:
    """Tests of one group run in one process, one after the other."""
    return TOGETHER.get(file.stem, str(file))


def pytest_collection_modifyitems(config, items):
    if soak.ASKED:
        chosen = [item for item in items if {mark.args[0] for mark in item.iter_markers("soak")} & set(soak.ASKED)]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
    place = {name: i for i, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(Path(nodeid.partition("::")[0]))

    return ByGroup(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED} (set LIGHTEVAL_R1_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory):
    """A real server, starting; it is up once its .url is asked for."""
    from vllm_server import VllmServer

    server = VllmServer(tmp_path_factory.mktemp("vllm") / "server.log")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def warm():
    """Runs commands that go through LightEval without importing it anew for each."""
    from warm_commands import WarmCommands

    with WarmCommands() as commands:
        yield commands


@pytest.fixture
def main(monkeypatch, capsys):
    """main("compare", RUN): the command in this process; its exit code, standard output and standard error."""
    from lighteval_r1 import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lighteval-r1", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture(scope="session")
def driver():
    """One browser for all tests that look at pages."""
    from browser import chromium, why_not

    if why_not():
        pytest.skip(why_not())
    with chromium() as running:
        yield running


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 256 kB, and what makes it larger. Skipped where nothing may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options: str) -> bool:
        return (
            subprocess.run(["mount", "-t", "tmpfs", "-o", *options, str(folder)], capture_output=True).returncode == 0
        )

    if not (os.geteuid() == 0 and mount("size=256k", "tmpfs")):
        pytest.skip("a disk that is truly full: no file system may be mounted here")
    yield folder, lambda: mount("remount,size=8m", "tmpfs")
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
