"""One home for each option, variable and error: what the command line, make, files of options and jobs say is the same."""

import ast
import dataclasses
import importlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from lighteval_r1 import cli
from lighteval_r1.cli.ask import AskOptions
from lighteval_r1.cli.endpoint import SERVERS_TEMPLATE, EndpointOptions, settings_of
from lighteval_r1.cli.evaluate import EvaluateOptions, model_parameters
from lighteval_r1.cli.options import RunOptions, SamplingOptions, make_name, options_file, options_in_words
from lighteval_r1.cli.submit import SubmitOptions
from lighteval_r1.engines.server_facts import Served
from lighteval_r1.outside import variables
from lighteval_r1.records import Failure, UserError, errors

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "lighteval_r1"
COMMANDS = {"evaluate": EvaluateOptions, "endpoint": EndpointOptions, "submit": SubmitOptions}
# What a shell and make would each stumble over.
AWKWARD = 'it\'s "$HOME" $(touch pwned) `id` {a,b} $$ % # \\ 日本'


def names(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


# ---- options -----------------------------------------------------------------------------------------------------------


def make(folder: Path, *said: str, target: str = "evaluate") -> list[str]:
    """The arguments that make's command gets."""
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "lighteval-r1"
    command.write_text(f"#!/bin/bash\nprintf '%s\\0' \"$@\" > {folder}/arguments\n")
    command.chmod(0o755)
    (folder / ".installed-cpu").touch()
    subprocess.run(["make", target, f"VENV={folder}", "DEVICE=cpu", *said], cwd=ROOT, check=True, timeout=60)
    return (folder / "arguments").read_text().split("\0")[:-1]


def test_every_option_of_evaluate_has_its_variable_for_make(tmp_path):
    values = {list: AWKWARD, int: "3", float: "0.5", bool: "1", str: AWKWARD}
    fields = {field.name: field for field in dataclasses.fields(EvaluateOptions)}
    kinds = {name: next(kind for kind in values if kind.__name__ in str(field.type)) for name, field in fields.items()}
    said = [f"{make_name(fields[name])}={values[kind]}" for name, kind in kinds.items()]
    command, *words = make(tmp_path, *said)
    assert command == "evaluate" and len(words) == len(fields)
    expected = {name: [AWKWARD] if kind is list else kind(values[kind]) for name, kind in kinds.items()}
    assert options_in_words(EvaluateOptions, words) == expected
    assert {"OUT", "CACHE", "TOP_P", "SEED", "N"} < {word.partition("=")[0] for word in words}
    assert not (ROOT / "pwned").exists()


def test_make_says_only_what_was_said(tmp_path):
    words = make(tmp_path, "MODEL=", "PUBLIC=0", "WANDB=no", "N=0", "PYTEST_ARGS=-x")[1:]
    assert options_in_words(EvaluateOptions, words) == {"public": False, "wandb": False, "n": 0}
    with pytest.raises(UserError, match="there is no option MAXTOKENS=. Nearest: MAX_TOKENS=. All: MODEL, REVISION"):
        options_in_words(EvaluateOptions, ["MAXTOKENS=3"])
    with pytest.raises(UserError, match="N=two: Input should be a valid integer"):
        options_in_words(EvaluateOptions, ["N=two"])


def test_make_upload_names_the_run_and_the_repository(tmp_path):
    asked = make(tmp_path, f"MODEL={AWKWARD}", "UPLOAD=me/x", "PUBLIC=1", target="upload")
    assert asked == ["upload", AWKWARD, "me/x", "--public"]
    assert make(tmp_path, "MODEL=m", "OUT=here", "UPLOAD=me/x", target="upload") == ["upload", "here", "me/x"]


def test_commands_share_their_options():
    for kind in COMMANDS.values():
        assert names(RunOptions) <= names(kind)
        assert {"top_p", "seed", "cache_dir"} <= names(kind)
    assert names(SamplingOptions) <= names(AskOptions)
    for name, kind in COMMANDS.items():
        shown = subprocess.run(
            [sys.executable, "-m", "lighteval_r1.cli", name, "--help"],
            capture_output=True, text=True, env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
        ).stdout  # fmt: skip
        for field in dataclasses.fields(kind):
            spelled = [*(field.metadata["shown"].param_decls or ()), f"--{field.name.replace('_', '-')}", field.name]
            assert any(re.search(rf"(?<![\w-]){re.escape(each)}\b", shown) for each in spelled), (name, field.name)


def test_what_is_said_goes_before_make_and_the_file(tmp_path, main, monkeypatch):
    file = tmp_path / "options.json"
    file.write_text(json.dumps({"task": "no_such_task", "n": 5, "temperature": 1, "public": True, "upload": "me/x"}))
    kept = []
    module = sys.modules["lighteval_r1.cli.evaluate"]
    monkeypatch.setattr(module, "model_parameters", lambda options: kept.append(options) or {"model_name": "m"})
    code, _, refused = main("evaluate", "--options", file, "N=7", "TOP_P=0.5", "--top-p", "0.8", "--model", "m")
    assert code == 2 and "there is no task 'no_such_task'" in refused
    options = EvaluateOptions(
        model="m", task="no_such_task", n=7, temperature=1.0, top_p=0.8, public=True, upload="me/x"
    )
    assert kept == [options]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "is not a JSON object of options"),
        ("{", "is not a JSON object of options"),
        ('{"modle": "m"}', "there is no option 'modle'.*It may hold: model, revision, max_tokens"),
        ('{"n": "many"}', "n=many: Input should be a valid integer"),
    ],
)
def test_a_file_of_something_else_is_refused(text, reason, tmp_path):
    file = tmp_path / "options.json"
    file.write_text(text)
    with pytest.raises(UserError, match=reason):
        options_file(EvaluateOptions, file)
    with pytest.raises(UserError, match="cannot read the options"):
        options_file(EvaluateOptions, tmp_path / "nowhere")


def test_how_r1_is_sampled_stands_in_one_place():
    homes = [
        str(path.relative_to(SRC))
        for path in SRC.rglob("*.py")
        if re.search(r"\b(0\.95|32_?768)\b", "\n".join(line for line in code_of(path)))
    ]
    assert homes == ["engines/__init__.py"]


def code_of(path: Path) -> list[str]:
    """The numbers in a module's code, as text: not those of comments and docstrings."""
    return [
        repr(node.value)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    ]


def test_sampling_options_become_model_parameters(tmp_path):
    options = EvaluateOptions(model="m", top_p=0.5, temperature=0.0, seed=7, max_tokens=9, cache_dir="/c", revision="r")
    assert model_parameters(options) == {
        "model_name": "m",
        "generation_parameters": {"max_new_tokens": 9, "temperature": 0.0, "top_p": 0.5, "seed": 7},
        "revision": "r",
        "cache_dir": "/c",
    }
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model_parameters: {model_name: m, seed: 5, generation_parameters: {top_k: 40, seed: 6}}")
    over = model_parameters(EvaluateOptions(model=str(recipe), seed=7))
    assert over["generation_parameters"] == {"top_k": 40, "seed": 7} and over["seed"] == 5


def test_the_ids_of_settings_stay():
    # recorded with version 0.1.0
    options = EndpointOptions(base_url="http://127.0.0.1:1/v1", model="m")
    known = settings_of(options, Served("m"))
    assert (known.temperature, known.top_p, known.max_tokens, known.seed) == (0.6, 0.95, 32768, 0)
    assert known.chat_template == SERVERS_TEMPLATE and known.id == "02d680c90af6e47a"
    assert settings_of(replace(options, seed=0, top_p=0.95, temperature=0.6), Served("m")).id == known.id
    others = [{"seed": 1}, {"top_p": 0.9}, {"temperature": 0.0}, {"max_tokens": 8}]
    assert len({known.id, *(settings_of(replace(options, **other), Served("m")).id for other in others)}) == 5


# ---- variables ---------------------------------------------------------------------------------------------------------


def test_every_variable_stands_in_the_table_with_the_rooms_that_read_it():
    readers: dict[str, set[str]] = {}
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "variables":
                readers.setdefault(node.attr, set()).add(path.relative_to(SRC).parts[0].removesuffix(".py"))
    table = {name: value for name, value in vars(variables).items() if isinstance(value, variables.Variable)}
    assert list(variables.VARIABLES) == list(table.values())
    for name, variable in table.items():
        assert variable.name == f"LIGHTEVAL_R1_{name}"
        assert variable.read_by == ", ".join(sorted(readers[name])), name


def test_no_module_reads_a_variable_by_itself_and_none_is_unknown():
    # the last is the tests' own
    known = {*(variable.name for variable in variables.VARIABLES), "LIGHTEVAL_R1_SOAK"}
    places = [*SRC.rglob("*.py"), *(ROOT / "slurm").iterdir(), ROOT / "Makefile"]
    for path in places:
        text = path.read_text()
        assert set(re.findall(r"LIGHTEVAL_R1_[A-Z_]+\b", text)) <= known, path
        assert not re.search(r"environ\S*LIGHTEVAL_R1_", text), path


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        (variables.DEVICE, "GPU", "gpu"),
        (variables.DEVICE, "tpu", "LIGHTEVAL_R1_DEVICE='tpu' is neither gpu nor cpu."),
        (variables.SHARD, "2/8", (2, 8)),
        (variables.SHARD, "9/8", "LIGHTEVAL_R1_SHARD='9/8' is not k/K with k from 1 to K, such as 2/8."),
        (variables.SHARD, "", None),
        (variables.NODES, "2", 2),
        (variables.NODES, "two", "LIGHTEVAL_R1_NODES='two' is not a whole number from 1."),
        (variables.EAGER, "1", True),
        (variables.EAGER, "0", False),
        (variables.UNSAFE_CODE, " ", False),
    ],
)
def test_a_variable_has_its_type_or_is_refused(variable, text, value, monkeypatch):
    monkeypatch.setenv(variable.name, text)
    if isinstance(value, str) and value.startswith("LIGHTEVAL"):
        with pytest.raises(UserError) as refused:
            variable.value()
        assert str(refused.value) == value
    else:
        assert variable.value() == value


def test_help_shows_the_variables(main):
    shown = " ".join(main("--help")[1].split())
    for line in variables.table().splitlines():
        assert line.split()[0] in shown
    assert "LIGHTEVAL_R1_ASKED" not in shown


# ---- errors ------------------------------------------------------------------------------------------------------------


def test_every_error_stands_in_one_tree_with_its_exit_code():
    classes = [
        (path, node.name)
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(re.search(r"(Error|Exception|Failure)$", ast.unparse(base)) for base in node.bases)
    ]
    assert len(classes) >= 9
    for path, name in classes:
        assert re.search(rf"\b{name}\b", errors.__doc__), f"{path}: {name}"
        module = ".".join(("lighteval_r1", *path.relative_to(SRC).with_suffix("").parts))
        kind = getattr(importlib.import_module(module), name)
        if said := re.search(rf"^ *{name} +(\d+)  ", errors.__doc__, re.MULTILINE):
            assert kind.exit_code == int(said[1]), name
        elif name != "Failure":
            assert not issubclass(kind, Failure), f"{name} ends a command, so its exit code stands in the tree"


@pytest.mark.parametrize(
    "command", [("evaluate",), ("endpoint", "demo_sums", "--base-url", "http://127.0.0.1:9/v1"), ("submit",)]
)
@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("--max-tokens", "0", "max_tokens 0: a reply needs at least one token."),
        ("--temperature", "-1", "temperature -1.0: a number from 0 is needed"),
        ("--temperature", "nan", "temperature nan: a number from 0 is needed"),
        ("--top-p", "0", "top_p 0.0: a number above 0, up to 1, is needed."),
        ("--top-p", "1.5", "top_p 1.5: a number above 0, up to 1, is needed."),
    ],
)
def test_what_nothing_can_be_drawn_with_is_one_line_before_anything_begins(main, command, option, value, line):
    code, printed, refused = main(*command, option, value, *(["--model", "m"] if command[0] != "submit" else ["m"]))
    assert (code, printed, refused.count("\n")) == (2, "", 1) and line in refused


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("compare", "Missing argument 'runs'. See lighteval-r1 compare --help."),
        ("compare --nope", "No such option: --nope (Possible options: --no-pool). See lighteval-r1 compare --help."),
        ("nosuch", "No such command 'nosuch'. See lighteval-r1 --help."),
        ("evaluate --model", "Option '--model' requires an argument."),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line(words, line, main):
    assert main(*words.split()) == (2, "", f"lighteval-r1: {line}\n")


def test_no_command_is_answered_with_the_help(main):
    code, said, error = main()
    assert code == 2 and "Measure reasoning models" in said + error and "lighteval-r1:" not in error


@pytest.mark.parametrize("name", ["evaluate", "endpoint"])
def test_every_switch_of_a_python_call_has_its_opposite(name):
    parameters = typer.main.get_command(cli.app).commands[name].params
    assert [
        p.name for p in parameters if getattr(p, "is_flag", False) and not p.secondary_opts and p.name != "help"
    ] == []


@pytest.mark.parametrize("name", ["", *typer.main.get_command(cli.app).commands])
def test_help_cuts_no_option_and_no_sentence_off_on_a_narrow_screen(name, main, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, printed, _ = main(*filter(None, [name]), "--help")
    assert code == 0 and not [line for line in printed.splitlines() if line.startswith("  ") and line.endswith("...")]
    group = typer.main.get_command(cli.app)
    spellings = [spelling for known in (group.commands[name].params if name else ()) for spelling in known.opts]
    assert not [spelling for spelling in spellings if spelling.startswith("--") and f" {spelling}" not in printed]
