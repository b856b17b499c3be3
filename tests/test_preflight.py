"""Bad input gets one line that says what is so and what to do, and nothing is started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, layout_parameters, model_parameters, task_specs
from lighteval_r1.engines.model_files import folder_digest
from lighteval_r1.records import UserError
from lighteval_r1.tasks.specs import parse_spec

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("r1_aime42|0", r"there is no task 'r1_aime42'. Nearest: .*r1_aime24"),
        ("r1_aime24@n=0|0", "n=0 is not a number of samples"),
        ("r1_aime24@n=two|0", "n=two is not a number of samples"),
        ("r1_aime24@k=2|0", "a task's options are n, limit, weight and its groups; 'k' is none"),
        ("r1_aime24|5", "asked without examples"),
    ],
)
def test_a_task_that_cannot_be_run_is_refused(spec, message):
    with pytest.raises(UserError, match=message):
        parse_spec(spec)


def test_lightevals_own_tasks_pass_by():
    assert parse_spec("aime24|0", builtin={"aime24"}) is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"parallel": "both", "num_gpus": 2}, "PARALLEL=both is neither data nor tensor nor auto"),
        ({"parallel": "data", "num_gpus": 4096}, "asks for 4096 devices; there are"),
        ({"parallel": "data"}, "needs NUM_GPUS"),
        ({"num_gpus": 0}, "at least 1"),
        ({"model": "nowhere.yaml"}, "cannot read the recipe nowhere.yaml"),
        ({"system_prompt_file": "nowhere.txt"}, "cannot read SYSTEM_PROMPT_FILE"),
    ],
)
def test_options_that_cannot_be_run_are_refused(said, message):
    options = EvaluateOptions(**said)
    with pytest.raises(UserError, match=message):
        layout_parameters(options, model_parameters(options))


@pytest.mark.parametrize("text", ["", "model_parameters: 3", "model_parameters: {dtype: float32}", "{: ["])
def test_a_recipe_that_names_no_model_is_refused(text, tmp_path):
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(
        UserError, match=r"recipe.yaml(, line 1: not YAML| is not a model configuration| names no model)"
    ):
        model_parameters(EvaluateOptions(model=str(tmp_path / "recipe.yaml")))


def test_a_model_without_a_task_is_told_the_tasks():
    with pytest.raises(UserError, match="say which TASK.*r1_aime24"):
        task_specs("", n=None)


def test_short_names_suites_and_n_become_full_specifications(tmp_path):
    suite = tmp_path / "suite.txt"
    suite.write_text("# two\nr1_aime24|0\nr1_math_500@n=2|0\n")

    def specs(task: str, *, n: int | None = None) -> list[str]:
        return [str(spec) for spec in task_specs(task, n=n)]

    assert specs("aime24,math_500@n=8") == ["r1_aime24@n=64|0", "r1_math_500@n=8|0"]
    assert specs(str(suite)) == ["r1_aime24@n=64|0", "r1_math_500@n=2|0"]
    assert specs("aime24", n=3) == ["r1_aime24@n=3|0"]


def test_specifications_of_other_versions_are_read_and_twins_named(capsys):
    (first,), (second,) = task_specs("lighteval|aime24|0|0", n=2), task_specs("custom|aime24|0", n=2)
    assert str(first) == str(second) == "r1_aime24@n=2|0"
    assert "is asked as r1_aime24; open-r1's prompt for it is openr1_aime24." in capsys.readouterr().err


def test_a_task_that_is_asked_for_twice_is_refused():
    with pytest.raises(UserError, match="r1_aime24 is asked for twice, the second time as aime_2024@n=4"):
        task_specs("aime24,aime_2024@n=4", n=None)


def test_a_system_prompt_of_any_characters_stays_as_it_is(tmp_path):
    text = "a \"b\" 'c' $(d) `e` {f}, g\\h\n\r\n  ü\t"
    (tmp_path / "prompt").write_bytes(text.encode())
    assert model_parameters(EvaluateOptions(system_prompt_file=str(tmp_path / "prompt")))["system_prompt"] == text


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


@pytest.mark.parametrize("place", [0, 1, 31, 32, 62, 63])
def test_the_digest_of_a_large_file_sees_its_beginning_middle_and_end(place, tmp_path):
    size = 64 * 2**17
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"\0" * size)
    before = folder_digest(tmp_path)
    with weights.open("r+b") as file:
        file.seek(size * place // 64)
        file.write(b"\1")
    assert folder_digest(tmp_path) != before


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
        (["--model", "{folder}/recipe.yaml", "--task", "aime24"], "names no model"),
        (["N=2", "MODLE=x"], "there is no option MODLE=. Nearest: MODEL="),
    ],
)
def test_the_command_ends_with_one_line_and_no_traceback(arguments, message, tmp_path):
    (tmp_path / "recipe.yaml").write_text("model_parameters: {dtype: float32}")
    named = [argument.format(folder=tmp_path) for argument in arguments]
    done = cli(*named, "--output-dir", str(tmp_path), LIGHTEVAL_R1_DATA="")
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_local_data_without_the_file_or_the_column_is_named(tmp_path):
    done = cli("--task", "aime24", "--model", str(DEMO_MODEL), LIGHTEVAL_R1_DATA=str(tmp_path))
    assert done.returncode == 2 and "has no aime_2024.jsonl" in done.stderr
    (tmp_path / "aime_2024.jsonl").write_text('{"problem": "1 + 1?"}\n')
    done = cli("--task", "aime24", "--model", str(DEMO_MODEL), LIGHTEVAL_R1_DATA=str(tmp_path))
    assert done.returncode == 2 and "row 1: no column 'answer'" in done.stderr


def cut_off(folder: Path) -> str:
    os.truncate(folder / "model.safetensors", 900_000)
    return "it has 900,000 of 1,8"


def another_file(folder: Path) -> str:
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    return "is no safetensors file, or its beginning is damaged"


def without_a_shard(folder: Path) -> str:
    names = {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    return "has no model-00002-of-00002.safetensors, which model.safetensors.index.json names"


def half_a_configuration(folder: Path) -> str:
    (folder / "config.json").write_text('{"model_type": "qwen2",')
    return "config.json: it is no JSON"


@pytest.mark.parametrize("damage", [cut_off, another_file, without_a_shard, half_a_configuration])
def test_a_checkpoint_that_was_not_saved_completely_is_refused_before_anything_is_loaded(tmp_path, main, damage):
    folder = Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))
    words = damage(folder)
    code, _, refused = main("evaluate", "--model", folder, "--task", "demo_sums", "--output-dir", tmp_path / "out")
    assert code == 2 and words in refused and refused.endswith("Was the checkpoint saved completely?\n")
    assert refused.count("\n") == 1 and not (tmp_path / "out").exists()
