"""What a command says around LightEval: its own words alone, how it ends, and that nothing is done twice."""

import asyncio
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import soak
from test_loop import PROBLEMS, SETTINGS, Scripted, drawn_by

from lighteval_r1 import __version__
from lighteval_r1.cli import evaluate
from lighteval_r1.cli.endpoint import drawn
from lighteval_r1.cli.evaluate import slug
from lighteval_r1.cli.finished import finished_task
from lighteval_r1.cli.lighteval_run import lighteval_run
from lighteval_r1.engines.layouts import layout_of
from lighteval_r1.engines.model_files import identify
from lighteval_r1.engines.model_section import ModelSection
from lighteval_r1.graders.marks import Chosen
from lighteval_r1.outside import hub_files
from lighteval_r1.records import UserError
from lighteval_r1.runs.journals import journal_run
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked, decode_line, read_settings
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work
from lighteval_r1.tasks.specs import parse_spec

HERE = Path(__file__).parent
JOURNALS = HERE / "demo_run" / "lighteval_r1" / "model"
DEMO = "f4adf19c2daeba72"
N = 4

# ---- a log, and the screen

LOUD = """
import logging, subprocess, sys
from pathlib import Path
from lighteval_r1.cli.lighteval_run import lighteval_run
from lighteval_r1.outside.words import say, tell, tell_end_of_log

with lighteval_run(Path(sys.argv[1]), loading="a library", verbose=len(sys.argv) > 2):
    print("a library's table")
    print("a library's bar 50 %", end="\\r", file=sys.stderr)
    subprocess.run(["sh", "-c", "echo a child; echo its error >&2"])
    logging.getLogger("theirs").info("a notice")
    logging.getLogger("theirs").error("an error")
    tell("what we tell")
    say("what we say")
    if sys.stderr.fileno() != 2:
        tell_end_of_log(2)
print("afterwards")
"""


def loud(folder: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", LOUD, str(folder), *more], capture_output=True, text=True, timeout=60, check=True
    )


def test_the_screen_has_our_words_and_errors_and_the_log_has_all(tmp_path):
    done = loud(tmp_path)
    log = tmp_path / "lighteval.log"
    assert done.stdout.splitlines() == ["what we say", "afterwards"]
    loading, error, told, end, *last = done.stderr.splitlines()
    assert loading == f"Loading a library. What they say goes to {log} (VERBOSE=1 shows it here)."
    assert (error, told, end, last) == (
        "an error",
        "what we tell",
        f"The end of {log}:",
        ["what we tell", "what we say"],
    )
    text = log.read_text()
    for words in (
        "a library's table",
        "50 %",
        "a child",
        "its error",
        "a notice",
        "an error",
        "what we tell",
        "what we say",
    ):
        assert words in text
    assert "afterwards" not in text
    loud(tmp_path)
    assert log.read_text().count("a library's table") == 2, "a later run goes on in the same log"


def test_verbose_shows_all_and_keeps_no_log(tmp_path):
    done = loud(tmp_path, "verbose")
    assert not list(tmp_path.iterdir())
    assert {"a library's table", "a child", "what we say"} <= set(done.stdout.splitlines())
    assert "a notice" in done.stderr and done.stderr.splitlines()[0] == "Loading a library."


# ---- how it ends


@pytest.mark.parametrize("verbose", [True, False])
def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path, verbose):
    with (
        pytest.raises(
            UserError, match=f"cannot write {tmp_path}: No space left on device. Every reply is kept; .*same command"
        ),
        lighteval_run(tmp_path, loading="x", verbose=verbose),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(ConnectionError), lighteval_run(tmp_path, loading="x", verbose=verbose):
        raise ConnectionError(errno.ECONNRESET, "a server's end is no full disk")


def test_results_that_a_truly_full_disk_does_not_take_are_one_line(small_disk, capsys):
    folder, make_room = small_disk

    def save() -> None:
        with lighteval_run(folder, loading="x", verbose=False):
            print("a library's notice")
            (folder / "results.json").write_bytes(b"x" * 2**20)

    with pytest.raises(UserError, match=f"cannot write {folder}.*: No space left on device. Every reply is kept"):
        save()
    assert make_room()
    save()
    assert (folder / "results.json").stat().st_size == 2**20


@pytest.fixture
def heeded(number):
    """The signal as a terminal's process has it, also where these tests run without one."""
    before = signal.signal(number, signal.default_int_handler)
    yield
    signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_libraries_load_is_a_line(tmp_path, number, capsys, heeded):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, lighteval_run(tmp_path, loading="x", verbose=True):
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number and signal.getsignal(number) is before
    assert capsys.readouterr().err.splitlines()[1:] == [
        "Stopped. What was drawn before is kept; the same command goes on."
    ]


class Signalled(Scripted):
    """A signal comes while the ninth sample is drawn."""

    number = signal.SIGTERM

    async def draw(self, owed, *, replica):
        if len(self.drawn) == 8:
            os.kill(os.getpid(), self.number)
            await asyncio.sleep(30)
        return await super().draw(owed, replica=replica)


def stopped(folder: Path, number: int) -> int:
    engine = Signalled()
    engine.number = number
    journal = Journal(folder, settings=SETTINGS, version=1)
    work = Work("t", PROBLEMS, Asked(N, 1), journal)
    try:
        with Pool(workers=1) as pool, pytest.raises(SystemExit) as ended:
            asyncio.run(run([work], engine=engine, pool=pool))
    finally:
        journal.close()
    return ended.value.code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_samples_are_drawn_says_how_many_are_kept(tmp_path, number, capsys, heeded):
    before = signal.getsignal(number)
    drawn_by(tmp_path, n=1)
    assert stopped(tmp_path, number) == 128 + number
    kept = len(Journal(tmp_path, settings=SETTINGS, version=1).samples)
    assert 14 <= kept < 24 and signal.getsignal(number) is before
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == f"{kept} of 24 are kept; the same command goes on." and "Traceback" not in said


# Of a run on vLLM, as they come: from the keyboard, or as the terminal goes, to all of its processes; from others to it alone.
STOPS = ((signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill), (signal.SIGHUP, os.killpg))
N_STOPS = soak.count("stops")


def drawn_in(folder: Path) -> list[bytes]:
    lines = [line for file in folder.rglob("samples-*.jsonl") for line in file.read_bytes().splitlines(keepends=True)]
    return [line for line in lines if decode_line(line)]


@pytest.mark.soak("stops")
@pytest.mark.timeout(900)
@pytest.mark.skipif(not N_STOPS, reason="each start of vLLM takes half a minute: make soak SOAK=stops")
def test_a_run_on_vllm_that_is_stopped_keeps_what_it_drew_and_the_same_command_goes_on(tmp_path):
    script = Path(sys.executable).with_name("lighteval-r1")
    environment = {**os.environ, "LIGHTEVAL_R1_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1"}
    places = ["--output-dir", str(tmp_path / "out"), "--cache-dir", str(tmp_path / "cache")]
    command = [str(script), "evaluate", "--task", "demo_sums", "--n", "32", *places]
    before: list[bytes] = []
    for number, send in STOPS[:N_STOPS]:
        with (tmp_path / "err").open("w") as err:
            run = subprocess.Popen(command, stdout=err, stderr=err, start_new_session=True, env=environment)
        while run.poll() is None and len(drawn_in(tmp_path)) < len(before) + 20:
            time.sleep(0.1)
        assert run.poll() is None, (tmp_path / "err").read_text()
        send(run.pid, number)
        assert run.wait(60) == 128 + number
        told = (tmp_path / "err").read_text()
        now = drawn_in(tmp_path)
        assert told.splitlines()[-1] == f"{len(now)} of 1,280 are kept; the same command goes on." and len(now) < 1280
        assert "Traceback" not in told + (tmp_path / "out" / "lighteval.log").read_text()
        assert set(before) <= set(now), "a sample that was kept is gone"
        left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout.split()
        assert not left
        before = now
    again = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment)
    assert again.returncode == 0 and "95 % same problems" in again.stdout
    keys = [decode_line(line)["key"] for line in drawn_in(tmp_path)]
    assert len(keys) == len(set(keys)) == 1280 and set(before) <= set(drawn_in(tmp_path))


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with lighteval_run(tmp_path, loading="x", verbose=True):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# ---- a server is asked before LightEval is there


class Served(Scripted):
    chosen, tokenizer, shares_cores = Chosen(), None, False

    def check_prompts(self, problems) -> None:
        self.checked = len(problems)


def test_what_lighteval_will_ask_for_is_drawn_and_graded_without_it(tmp_path, capsys):
    asked = [parse_spec("demo_sums@n=2"), parse_spec("demo_choices@n=1")]
    out, cache = tmp_path / "out", str(tmp_path / "cache")
    engine = Served()
    sampled = drawn(asked, engine=engine, cache_dir=cache, output_dir=out)
    assert sampled["n_drawn"] == 40 * 2 + 24 and engine.checked == 40 + 24
    folders = [Path(folder) for folder in json.loads((out / "journals.json").read_text())]
    for spec, folder in zip(asked, folders, strict=True):
        run = finished_task(spec, folder)
        assert run.task == f"{spec.task.name}|0" and len(run.samples) == run.n_problems * spec.n
        assert finished_task(replace(spec, n=spec.n + 1), folder) is None
        assert finished_task(replace(spec, task=replace(spec.task, version=9)), folder) is None
    told = capsys.readouterr().err
    assert "demo_sums: 40 problems x 2 samples, 0 drawn, 80 owed" in told and "104/104 samples" in told
    assert drawn(asked, engine=Served(), cache_dir=cache, output_dir=out)["n_drawn"] == 0


# ---- nothing is done twice


@pytest.fixture
def finished(tmp_path, monkeypatch) -> Path:
    """A folder in which the demo's sums were evaluated, and LightEval must not be imported."""
    monkeypatch.setenv("LIGHTEVAL_R1_DEVICE", "cpu")
    monkeypatch.setattr(evaluate, "start_replicas", None)
    journal = Path(
        shutil.copytree(
            JOURNALS / "demo_sums" / DEMO, tmp_path / "cache" / "lighteval_r1" / "model" / "demo_sums" / DEMO
        )
    )
    (task_run,) = journal_run([journal], texts=False).tasks.values()
    settings = read_settings(journal)
    model = identify({"model_name": evaluate.DEMO_MODEL})
    assert (settings.model, settings.revision) == (model.name, model.revision)
    ours = {
        "version": __version__,
        "settings": asdict(settings),
        "environment": {"command": ""},
        "tasks": {"demo_sums|0": {"prompts_sha256": task_run.prompts_sha256}},
    }
    (tmp_path / "out" / "results" / "x").mkdir(parents=True)
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    return tmp_path


def results(folder: Path, **changed: object) -> None:
    ours = json.loads((folder / "ours.json").read_text()) | changed
    name = "results_2026-11-21T20-53-42.282786.json"
    text = json.dumps({"config_general": {"model_config": {"lighteval_r1": ours}}})
    (folder / "out" / "results" / "x" / name).write_text(text)


def test_the_printed_command_can_be_pasted(finished, main, capsys):
    out = finished / "a b ü"
    with pytest.raises(TypeError):
        main("evaluate", "--task", "demo_sums", "--output-dir", out, "--cache-dir", finished / "c d")
    line = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("+ "))
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line[2:]}"], capture_output=True, text=True, check=True
    ).stdout
    lighteval, vllm, recipe, tasks, *rest = words.splitlines()
    assert Path(lighteval).is_file() and vllm == "vllm" and Path(recipe).is_file() and tasks == "demo_sums@n=4|0"
    assert rest == ["--custom-tasks", "lighteval_r1.plugin", "--save-details", "--output-dir", str(out)]


@pytest.mark.parametrize("task", ["demo_sums", "r1_aime24"])
def test_what_evaluate_found_and_began_is_what_lighteval_runs_with(task, finished, main, monkeypatch):
    """A model is hashed once, and rows of the Hub are loaded before LightEval begins with them."""
    hashed, loaded, known = [], [], {}
    plugin = ModuleType("lighteval_r1.plugin")
    plugin.pipeline = SimpleNamespace(run_command=known.update)
    monkeypatch.setitem(sys.modules, "lighteval_r1.plugin", plugin)
    monkeypatch.setattr(sys, "argv", ["lighteval-r1"])
    monkeypatch.setenv("LIGHTEVAL_R1_ASKED", "")
    monkeypatch.delenv("LIGHTEVAL_R1_DATA", raising=False)
    monkeypatch.setattr(evaluate, "identify", lambda parameters: hashed.append(1) or identify(parameters))
    monkeypatch.setattr(evaluate, "start_replicas", lambda layout: [layout])
    monkeypatch.setattr(evaluate, "check_asked_of_hub", lambda task: None)
    monkeypatch.setattr(
        evaluate, "check_data", lambda task: loaded.append((task.name, bool(os.environ["LIGHTEVAL_R1_ASKED"])))
    )
    code, _, told = main(
        "evaluate", "--task", task, "--n", "2", "--effort", "", "--verbose", "--output-dir", finished / "new"
    )
    assert code == 0, told
    assert hashed == [1] and known["identity"] == identify({"model_name": evaluate.DEMO_MODEL})
    assert known["processes"] == [layout_of({})] and known["section"] == ModelSection()
    assert sys.argv[1] == "vllm" and os.environ["LIGHTEVAL_R1_ASKED"] == f"{task}@n=2|0"
    assert loaded == [(task, task == "r1_aime24")]


@pytest.fixture
def done_before(finished, main, capsys) -> Path:
    """Also the results that say so, with the command that made them."""
    with pytest.raises(TypeError):
        main("evaluate", "--task", "demo_sums", "--output-dir", finished / "out", "--cache-dir", finished / "cache")
    line = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("+ "))
    ours = json.loads((finished / "ours.json").read_text()) | {"environment": {"command": line[2:]}}
    (finished / "ours.json").write_text(json.dumps(ours))
    results(finished)
    return finished


def evaluated(folder: Path, main, *more: str) -> tuple[int, str, str]:
    return main(
        "evaluate", "--task", "demo_sums", "--output-dir", folder / "out", "--cache-dir", folder / "cache", *more
    )


def test_where_nothing_is_owed_the_table_comes_from_the_journal(done_before, main):
    code, printed, told = evaluated(done_before, main)
    assert code == 0 and told.startswith("Nothing is owed: this is the table of the journals. The results are in ")
    line, *groups = printed.splitlines()[2:]
    assert line.split()[:2] == ["demo_sums|0", "60.6"] and all(" by " in group for group in groups)


@pytest.mark.parametrize(
    "why", ["n", "settings", "task", "version", "prompts", "cache", "shard", "model", "no results", "cut off"]
)
def test_else_lighteval_runs(done_before, main, why, monkeypatch):
    """start_replicas is None here: whoever begins a run finds that out."""
    ours = json.loads((done_before / "ours.json").read_text())
    more = []
    match why:
        case "n":
            more = ["--n", "5"]
        case "settings":
            more = ["--temperature", "0.7"]
        case "task":
            more = ["--task", "demo_choices"]
        case "version":
            results(done_before, version="0.0.9")
        case "prompts":
            results(done_before, tasks={"demo_sums|0": {"prompts_sha256": "another"}})
        case "cache":
            (samples,) = (done_before / "cache").rglob("samples-*")
            samples.write_bytes(b"".join(samples.read_bytes().splitlines(keepends=True)[:-1]))
        case "shard":
            monkeypatch.setenv("LIGHTEVAL_R1_SHARD", "1/2")
        case "model":
            results(done_before, settings=ours["settings"] | {"revision": "sha256:another"})
        case "cut off":
            (file,) = (done_before / "out").rglob("results_*.json")
            file.write_bytes(file.read_bytes()[:-100])
        case "no results":
            shutil.rmtree(done_before / "out" / "results")
    with pytest.raises(TypeError, match="NoneType"):
        evaluated(done_before, main, *more)


# ---- names and places


def test_a_path_makes_a_sane_name_for_a_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert slug("../models/R1") == slug(str(tmp_path / "models" / "R1"))
    assert ".." not in slug("a/../../b") and slug("./model") == "model" and slug("Qwen/QwQ-32B") == "Qwen--QwQ-32B"


def test_a_hub_that_nobody_answers_for_is_asked_no_more(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", constants := type("Constants", (), {}))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    constants.HF_HUB_OFFLINE, constants.ENDPOINT = False, "http://127.0.0.1:9"
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    assert not hub_files.out_of_reach(), "a proxy may know the way"
    monkeypatch.delenv("HTTPS_PROXY")
    assert hub_files.out_of_reach()
    assert constants.HF_HUB_OFFLINE and os.environ["HF_HUB_OFFLINE"] == "1"
