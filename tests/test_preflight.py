"""Bad input gets one line that says what is so and what to do, and nothing is started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL, Options, model_parameters, task_specs
from lighteval_r1.engines.layouts import automatic, weight_bytes
from lighteval_r1.engines.model_files import folder_digest
from lighteval_r1.records import UserError
from lighteval_r1.tasks.specs import parse_spec, positionals

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("r1_aime42|0", r"there is no task 'r1_aime42'. Nearest: .*r1_aime24"),
        ("r1_aime24@n=0|0", "n=0 is not a number of samples"),
        ("r1_aime24@n=two|0", "n=two is not a number of samples"),
        ("r1_aime24@k=2|0", "the only option of a task is n"),
        ("r1_aime24|5", "asked without examples"),
    ],
)
def test_a_task_that_cannot_be_run_is_refused(spec, message):
    with pytest.raises(UserError, match=message):
        parse_spec(spec)


def test_lightevals_own_tasks_pass_by():
    assert parse_spec("aime24|0", builtin={"aime24"}) is None


def test_positionals_are_told_from_options():
    argv = ["args", "--custom-tasks", "x", "tasks", "--save-details", "--output-dir=o"]
    assert positionals(argv, flags={"--save-details"}) == ["args", "tasks"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(parallel="both", num_gpus=2), "PARALLEL=both is neither data nor tensor nor auto"),
        (Options(parallel="data", num_gpus=4096), "asks for 4096 devices; there are"),
        (Options(parallel="data"), "needs NUM_GPUS"),
        (Options(num_gpus=0), "at least 1"),
        (Options(model="nowhere.yaml"), "cannot read the recipe nowhere.yaml"),
        (Options(system_prompt_file="nowhere.txt"), "cannot read SYSTEM_PROMPT_FILE"),
    ],
)
def test_options_that_cannot_be_run_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        model_parameters(options)


@pytest.mark.parametrize(
    ("gigabytes", "heads", "n_gpus", "expected"),
    [(15, 28, 8, (1, 8)), (65.5, 40, 8, (2, 4)), (140, 64, 8, (4, 2)), (140, 40, 6, (4, 1)), (65.5, 25, 8, (5, 1))],
)
def test_the_automatic_layout_takes_the_fewest_gpus_that_hold_the_weights(gigabytes, heads, n_gpus, expected, tmp_path):
    write_model_size(tmp_path, gigabytes=gigabytes, heads=heads)
    layout = automatic(str(tmp_path), revision="main", n_gpus=n_gpus, gpu_memory_gb=79 if gigabytes < 100 else 60)
    assert (layout.tensor, layout.replicas) == expected


def test_a_model_that_no_layout_holds_is_refused(tmp_path):
    write_model_size(tmp_path, gigabytes=1300, heads=128)
    with pytest.raises(UserError, match="1300 GB of weights, which 8 GPUs of 80 GB do not hold"):
        automatic(str(tmp_path), revision="main", n_gpus=8, gpu_memory_gb=80)


def test_without_files_the_name_says_the_size(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert weight_bytes("org/thinker-7B", revision="main") == 14e9
    with pytest.raises(UserError, match="neither files nor name"):
        automatic("org/thinker", revision="main", n_gpus=8, gpu_memory_gb=80)


def write_model_size(folder, *, gigabytes, heads):
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": heads}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": gigabytes * 1e9}}))


def test_a_model_without_a_task_is_told_the_tasks():
    with pytest.raises(UserError, match="say which TASK.*r1_aime24"):
        task_specs(Options(model="org/model"))


def test_short_names_suites_and_n_become_full_specifications(tmp_path):
    suite = tmp_path / "suite.txt"
    suite.write_text("# two\nr1_aime24|0\nr1_math_500@n=2|0\n")
    assert task_specs(Options(model="m", task="aime24,math_500@n=8")) == ["r1_aime24@n=64|0", "r1_math_500@n=8|0"]
    assert task_specs(Options(model="m", task=str(suite))) == ["r1_aime24@n=64|0", "r1_math_500@n=2|0"]
    assert task_specs(Options(model="m", task="aime24", n=3)) == ["r1_aime24@n=3|0"]


def test_a_system_prompt_of_any_characters_stays_as_it_is(tmp_path):
    text = "a \"b\" 'c' $(d) `e` {f}, g\\h\n\r\n  ü\t"
    (tmp_path / "prompt").write_bytes(text.encode())
    assert model_parameters(Options(system_prompt_file=str(tmp_path / "prompt")))["system_prompt"] == text


def test_a_model_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="has no weights"):
        folder_digest(tmp_path)


def test_a_folders_digest_follows_its_content_not_its_place(tmp_path):
    for name, weights in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(weights)
    a, b, c = (folder_digest(tmp_path / name) for name in "abc")
    assert a == b != c


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(BIN / "lighteval-r1"), "evaluate", *arguments],
        env={**os.environ, "LIGHTEVAL_R1_DEVICE": "cpu", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "aime42", "--model", str(DEMO_MODEL)], "there is no task 'aime42'"),
        (["--parallel", "sideways", "--num-gpus", "1"], "neither data nor tensor"),
        (["--n", "0"], "at least one sample"),
        (["--model", "/nowhere/at/all", "--task", "aime24"], "there is no model folder"),
    ],
)
def test_the_command_ends_with_one_line_and_no_traceback(arguments, message, tmp_path):
    done = cli(*arguments, "--output-dir", str(tmp_path), LIGHTEVAL_R1_DATA="")
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_local_data_without_the_file_or_the_column_is_named(tmp_path):
    done = cli("--task", "aime24", "--model", str(DEMO_MODEL), LIGHTEVAL_R1_DATA=str(tmp_path))
    assert done.returncode == 2 and "has no aime_2024.jsonl" in done.stderr
    (tmp_path / "aime_2024.jsonl").write_text('{"problem": "1 + 1?"}\n')
    done = cli("--task", "aime24", "--model", str(DEMO_MODEL), LIGHTEVAL_R1_DATA=str(tmp_path))
    assert done.returncode == 2 and "row 1: no column 'answer'" in done.stderr
