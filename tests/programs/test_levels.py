"""Which confinement is in force: it is tried, said and kept, and where there is none programs are refused."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bare_machine import become_bare
from golds import gold
from stand_in import InThread, StandIn

from lighteval_r1.confined import connection, system_calls
from lighteval_r1.records import UserError

HERE = Path(__file__).parent


def test_programs_are_refused_where_nothing_confines_them_unless_the_user_allows_it(monkeypatch):
    nothing = ({"namespaces": False, "landlock": False, "seccomp": False},)
    monkeypatch.delenv(connection.UNSAFE, raising=False)
    with pytest.raises(UserError, match="allows no confinement .* read files outside.*--allow-unsafe-code"):
        connection.connect(nothing)
    monkeypatch.setenv(connection.UNSAFE, "1")
    made = connection.connect(nothing)
    made.close()
    assert made.level.startswith("unsafe: limits; programs can read files outside")


@pytest.mark.parametrize("half", [{"landlock": False, "seccomp": True}, {"landlock": True, "seccomp": False}])
def test_half_a_confinement_counts_as_none(half, monkeypatch):
    monkeypatch.delenv(connection.UNSAFE, raising=False)
    with pytest.raises(UserError, match="allows no confinement"):
        connection.connect(({"namespaces": False, **half},))


def test_the_level_names_what_is_in_force(strictest):
    assert re.fullmatch(r"(namespaces \+ )?(Landlock \d+ \+ )?seccomp \+ limits", strictest.connection().level)
    assert connection.level() == strictest.connection().level


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compares with this machine's headers")
def test_system_calls_have_the_numbers_of_the_kernels_headers():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("no kernel headers")
    official = dict(re.findall(r"#define __NR_(\w+)\s+(\d+)", header.read_text()))
    assert {name: int(official[name]) for name in system_calls.numbers("x86_64") if name in official} == {
        name: number for name, number in system_calls.numbers("x86_64").items() if name in official
    }


COMMANDS = {
    "evaluate": ["evaluate", "--task", "demo_programs"],
    "endpoint": ["endpoint", "demo_programs", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"],
    "score": ["score", "{file}", "--task", "demo_programs"],
}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86_64")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_machine_without_confinement_is_refused_in_one_line_before_anything_is_sampled(command, tmp_path):
    file = tmp_path / "replies.jsonl"
    row = {"problem": "Print 1.", "answer": gold([("", "1")]), "gen": "```python\nprint(1)\n```"}
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | {"problem": "Print one."}) + "\n")
    arguments = [sys.executable, "-m", "lighteval_r1.cli", *(part.format(file=file) for part in COMMANDS[command])]
    environment = {name: value for name, value in os.environ.items() if name != connection.UNSAFE}
    environment |= {"PYTHONPATH": str(HERE.parents[1] / "src"), "LIGHTEVAL_R1_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    options = {
        "preexec_fn": become_bare,
        "capture_output": True,
        "text": True,
        "cwd": tmp_path,
        "timeout": 120,
        "env": environment,
    }
    refused = subprocess.run(arguments, **options)
    said = r"lighteval-r1: this machine allows no confinement .*--allow-unsafe-code.*\n"
    assert refused.returncode == 2 and re.fullmatch(said, refused.stderr), refused.stderr
    assert os.listdir(tmp_path) == ["replies.jsonl"]
    if command == "score":
        allowed = subprocess.run([*arguments, "--allow-unsafe-code"], **options)
        assert "Confinement of generated programs: unsafe: limits; programs can read files outside" in allowed.stderr
        assert allowed.returncode == 0 and "100.0" in allowed.stdout
    if command == "endpoint":
        allowed = subprocess.run(arguments, **options | {"env": environment | {connection.UNSAFE: "1"}})
        assert (
            "Confinement of generated programs: unsafe: limits" in allowed.stderr
            and "no server answers" in allowed.stderr
        )


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86_64")
def test_lighteval_itself_is_refused_too_and_results_keep_the_level(strictest, tmp_path, warm):
    level = strictest.connection().level
    with InThread(StandIn().app()) as url:
        program = f"import sys; sys.path[:0] = [{str(HERE)!r}]; import bare_machine; bare_machine.main({url!r}, {str(tmp_path)!r})"
        done = warm.start(tmp_path / "streams", program=program)
        _, said = done.communicate(timeout=280)
    assert done.returncode == 0, said
    assert len(re.findall("lighteval-r1: this machine allows no confinement .*--allow-unsafe-code.*\n", said)) == 1
    assert "on a bare machine it ends with 2\n" in said and "Traceback" not in said
    assert f"Confinement of generated programs: {level}.\n" in said
    (results,) = (tmp_path / "out").rglob("results_*.json")
    assert (
        json.loads(results.read_text())["config_general"]["model_config"]["lighteval_r1"]["environment"]["sandbox"]
        == level
    )
