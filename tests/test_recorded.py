"""What version 0.1.0 wrote is the same to this version: names made of content, journals, details, a push, grades beside a file.

A value here never changes. Where one would, samples that people have drawn would be drawn again, or runs that are one model's
would no longer be compared: leave a new setting out of the hash while it has its default, raise the task's version for a grade.
"""

import io
import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from fake_hub import FakeHub
from pushes import begun, ended

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.model_files import identify
from lighteval_r1.records import Problem, Settings, sample_key, seed_of, sha256
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.task import local_rows

RECORDED = Path(__file__).with_name("recorded")
PUSHED = RECORDED / "push"
PLAIN_RUN = Path(__file__).with_name("lighteval_run")
SRC = Path(__file__).resolve().parents[1] / "src"
TASK_NAMES = ("demo_choices", "demo_programs", "demo_sums")
SETTINGS = Settings(
    model="deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    revision="ad9f0ae0864d7fbcd1cd905e3c6c5b069cc8b562",
    system_prompt=None,
    chat_template="1596f3de1b2682a8508f0474934b04004004252e223fa83e017a53585ed9c921",
    temperature=0.6,
    top_p=0.95,
    top_k=0,
    max_tokens=32768,
    seed=1234,
)


# -- names made of content


@pytest.mark.parametrize(
    ("changed", "settings_id"),
    [
        ({}, "62556dd33f5eebd1"),
        ({"system_prompt": "Think: 2 < 3 “ja”\n"}, "b755a434dbf08d1a"),
        ({"temperature": 1.0, "top_p": 1.0, "top_k": 20, "max_tokens": 16384, "seed": 7}, "46ed17786b5b2ad7"),
        ({"max_model_length": 40960, "dtype": "bfloat16", "quantization": "fp8"}, "21909e20b8450796"),
        ({"extra": {"min_p": 0.05, "stop": ["</s>"], "repetition_penalty": 1.1}}, "9cadea5ef7110cd7"),
        (
            {"model": "model", "revision": "/models/r1", "chat_template": "the server's", "extra": {"top_k": 20}},
            "44378c981953da53",
        ),
    ],
)
def test_settings_keep_their_id(changed, settings_id):
    assert Settings(**{**vars(SETTINGS), **changed}).id == settings_id


def test_a_recorded_journal_lies_where_its_settings_say():
    for path in (RECORDED / "journals").rglob("settings.json"):
        assert Settings(**json.loads(path.read_text())).id == path.parent.name == "9653d5018feedded"


@pytest.mark.parametrize(
    ("prompt", "gold", "problem_id"),
    [
        ("", "", "439083f38956ba51"),
        (
            "What is 2 + 2?\nPlease reason step by step, and put your final answer within \\boxed{}.",
            "4",
            "092f4ba3053ff965",
        ),
        ("Où est π? 数 🙂 \u2028 \x00", '{"letter": "B", "options": ["a", "é"]}', "b5e6c5c5c69d45af"),
    ],
)
def test_problems_keep_their_id(prompt, gold, problem_id):
    for task in TASKS.values():
        assert Problem(prompt, gold, task.grader, name=task.name, groups={"a": "b"}).id == problem_id


ROWS = {
    "r1_gpqa_diamond": {
        "Question": "Which one?",
        "Correct Answer": "this",
        "Incorrect Answer 1": "that",
        "Incorrect Answer 2": "those",
        "Incorrect Answer 3": "none",
        "High-level domain": "Physics",
    },
    "r1_lcb": {
        "question_content": "Add two numbers.",
        "question_id": "q1",
        "starter_code": "",
        "public_test_cases": '[{"input": "1 2", "output": "3", "testtype": "stdin"}]',
        "private_test_cases": "[]",
        "difficulty": "easy",
        "metadata": "{}",
    },
    "openr1_lcb": {
        "question_content": "Add two numbers.",
        "question_id": "q2",
        "starter_code": "class Solution:\n    def add(self, a, b):",
        "public_test_cases": '[{"input": "1\\n2", "output": "3", "testtype": "functional"}]',
        "private_test_cases": "[]",
        "difficulty": "hard",
        "metadata": '{"func_name": "add"}',
    },
}
ROWS["openr1_gpqa_diamond"] = ROWS["r1_gpqa_diamond"]


@pytest.mark.parametrize(
    ("task", "problem_id"),
    [
        ("r1_gpqa_diamond", "a4c9804dc99828ce"),
        ("openr1_gpqa_diamond", "7f7d34662a52f9bc"),
        ("r1_lcb", "fa8bc2369864d0e9"),
        ("openr1_lcb", "2440e28d00a0bb9e"),
    ],
)
def test_a_row_of_a_task_keeps_its_problems_id(task, problem_id):
    assert TASKS[task].problem(ROWS[task]).id == problem_id


@pytest.mark.parametrize(
    ("task", "ids"),
    [
        ("demo_sums", "98fb44112f8099d4"),
        ("demo_choices", "4e84b65c81518422"),
        ("demo_programs", "de6bfad6c9af2f3b"),
    ],
)
def test_the_demos_problems_keep_their_ids(task, ids):
    assert sha256([TASKS[task].problem(row).id for row in TASKS[task].rows()])[:16] == ids


@pytest.mark.parametrize(
    ("task", "ids"),
    [
        ("r1_aime24", "b6e5effb339f03e2"),
        ("r1_aime25", "991ed54a8b30033d"),
        ("openr1_aime24", "49f92722a9c69f59"),
        ("openr1_aime25", "ddd08898b4a50431"),
        ("r1_math_500", "32e33068193bed37"),
        ("openr1_math_500", "7d1d478cb36e2134"),
    ],
)
def test_the_benchmarks_problems_keep_their_ids(task, ids, shared):
    rows = local_rows(shared / "data" / f"{TASKS[task].file}.jsonl")
    assert sha256([TASKS[task].problem(row).id for row in rows])[:16] == ids


@pytest.mark.parametrize(
    ("problem_id", "index", "key", "seed"),
    [
        ("3006cab185fd4e1d", 0, "3006cab185fd4e1d-0-f4adf19c2daeba72", 1941769041),
        ("3006cab185fd4e1d", 1, "3006cab185fd4e1d-1-f4adf19c2daeba72", 757342151),
        ("978d7542045b4109", 63, "978d7542045b4109-63-f4adf19c2daeba72", 165781852),
        ("ffffffffffffffff", 1023, "ffffffffffffffff-1023-f4adf19c2daeba72", 1508874421),
    ],
)
def test_samples_keep_their_key_and_seed(problem_id, index, key, seed):
    assert sample_key(problem_id=problem_id, index=index, settings_id="f4adf19c2daeba72") == key
    assert seed_of(key) == seed


def test_the_demo_model_keeps_its_identity():
    identity = identify({"model_name": DEMO_MODEL})
    assert (identity.name, identity.revision) == ("model", "sha256:bd734a89c6d70f3b59acde23495c88de")


@pytest.mark.parametrize(
    ("megabytes", "revision"),
    [(3, "sha256:59bb206b438dda1dfa96cafa72b18de7"), (9, "sha256:edacd1820dec8553e20d76108ab6aa94")],
)
def test_a_model_folder_keeps_its_identity_whatever_its_size(megabytes, revision, tmp_path):
    """Above 4 MB the digest reads both ends and blocks between them."""
    folder = tmp_path / "checkpoint-100"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    numbers = b"".join(i.to_bytes(4, "little") for i in range(megabytes * 2**18))
    for name in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        (folder / name).write_bytes(numbers)
    identity = identify({"model_name": folder})
    assert (identity.name, identity.revision) == ("checkpoint-100", revision)


# -- a recorded run


@pytest.fixture
def journals(tmp_path) -> Path:
    """A cache_dir that holds the recorded journals; a run may write to it."""
    return Path(shutil.copytree(RECORDED / "journals", tmp_path / "cache"))


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """The recorded run as LightEval laid it out: results/<model>/… and details/<model>/<date>/…"""
    folder = tmp_path_factory.mktemp("recorded") / "out"
    (pushed,) = (RECORDED / "push" / "lighteval").iterdir()
    (results,) = pushed.glob("results_*.json")
    date = results.stem.removeprefix("results_")
    for path in pushed.iterdir():
        there = folder / ("results/model" if path == results else f"details/model/{date}") / path.name
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, there)
    return folder


def figures(table: str) -> dict[str, list[str]]:
    """task -> pass@1, problems, samples, truncated, no answer, mean tokens of its line in a table of scores.

    Between the first and the others stand two intervals; the version before had two errors there.
    """
    lines = [re.sub(r"^(demo_\w+)(\|0| [A-Z])?", r"\1", line).split() for line in table.splitlines()]
    found: dict[str, list[str]] = {}
    for cells in lines:
        if cells and cells[0] in TASK_NAMES and (len(cells) == 9 or cells.count("to") == 2):
            found.setdefault(cells[0], [cells[1], *cells[-5:]])
    return found


RECORDED_TABLE = figures((RECORDED / "table.txt").read_text())


def test_the_recorded_table_is_read():
    assert RECORDED_TABLE["demo_sums"] == ["62.5", "4", "16", "0", "0", "52"]
    assert tuple(RECORDED_TABLE) == TASK_NAMES


def test_a_recorded_journal_owes_nothing(main, journals):
    code, told, _ = main("runs", "--cache-dir", journals)
    cells = [line.split() for line in told.splitlines() if "9653d5018feedded" in line]
    assert code == 0 and [line[1] for line in cells] == list(TASK_NAMES)
    # asked, drawn, owed, graded
    assert [line[-4:] for line in cells] == [["16", "16", "0", "16"]] * 3


def test_reading_a_recorded_journal_leaves_it_as_it_is(main, journals):
    before = {path: path.read_bytes() for path in journals.rglob("*") if path.is_file()}
    main("runs", "--cache-dir", journals)
    assert {path: path.read_bytes() for path in journals.rglob("*") if path.is_file()} == before


def test_a_recorded_journal_names_problems_and_samples_of_today():
    """Its problems are still the task's, and each line's key and seed are made as today."""
    for task in TASK_NAMES:
        (folder,) = (RECORDED / "journals" / "lighteval_r1" / "model" / task).iterdir()
        asked = json.loads((folder / "asked.json").read_text())
        assert set(asked["problem_ids"]) <= {TASKS[task].problem(row).id for row in TASKS[task].rows()}
        lines = [json.loads(line) for path in folder.glob("samples-*.jsonl") for line in path.open()]
        assert len(lines) == 16
        for line in lines:
            made = sample_key(problem_id=line["problem_id"], index=line["index"], settings_id=folder.name)
            assert (line["key"], line["seed"]) == (made, seed_of(made))


def test_a_recorded_run_has_the_table_it_had(main, out):
    code, told, said = main("compare", out, out)
    assert code == 0, said
    assert figures(told) == RECORDED_TABLE


@pytest.fixture
def hub():
    """A stand-in for the Hub with the recorded push in it."""
    files = {str(path.relative_to(PUSHED)): path.read_bytes() for path in PUSHED.rglob("*") if path.is_file()}
    with FakeHub() as hub:
        hub.add_repository("dataset", "tester/details", private=True, files=files)
        yield hub


def command(hub: FakeHub, home: Path, *arguments: object) -> str:
    """What the command prints."""
    status, said, errors = ended(begun(hub, home, *arguments))
    assert status == 0, errors
    return said


def test_a_recorded_push_is_read_as_the_run_it_is(hub, out, tmp_path):
    told = command(hub, tmp_path / "home", "compare", "hf://datasets/tester/details", out)
    assert figures(told) == RECORDED_TABLE
    # One run, read from two places.
    assert all(f"{task}: 16 samples stand in both" in told for task in TASK_NAMES)


def sorted_rows(source: object) -> list[dict]:
    return sorted(parquet.read_table(source).to_pylist(), key=lambda row: (row["problem_name"], row["sample_index"]))


def test_a_recorded_run_is_pushed_to_where_it_was(hub, out, tmp_path):
    """No file beside the recorded ones, LightEval's as they were, and each row says what it said."""
    command(hub, tmp_path / "home", "upload", out, "tester/details")
    files = hub.dataset("tester/details").files()
    recorded = {path for path in PUSHED.rglob("*") if path.is_file()}
    assert set(files) == {str(path.relative_to(PUSHED)) for path in recorded}
    for path in recorded:
        after = files[str(path.relative_to(PUSHED))]
        if path.parts[-3] == "rows":
            before, rows = sorted_rows(path), sorted_rows(io.BytesIO(after))
            for row in rows:
                # The thinking was pushed as a text of its own.
                begin, end = row["split"].partition("|")[0].split(":")
                row["thinking"] = row["reply"][int(begin) : int(end)]
            assert [{name: row[name] for name in before[0]} for row in rows] == before
        elif path.parts[-3] == "lighteval":
            assert after == path.read_bytes()


# -- recorded grades


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_scoring_recorded_replies_gives_the_recorded_grades(main, tmp_path):
    replies = Path(shutil.copy(RECORDED / "scored" / "replies.jsonl", tmp_path))
    code, told, said = main("score", replies, "--task", "demo_sums")
    assert code == 0, said
    assert figures(told) == figures((RECORDED / "scored" / "table.txt").read_text())
    before, after = (
        [{name: line[name] for name in ("uid", "problem_id", "index", "outcome", "answer")} for line in lines_of(path)]
        for path in (RECORDED / "scored" / "replies.jsonl.grades.jsonl", Path(f"{replies}.grades.jsonl"))
    )
    assert after == before


def test_recorded_grades_beside_details_are_read(main, tmp_path):
    """LightEval's own engine left no grades: those that `score` wrote beside its details are the run's."""
    details = tmp_path / "details_plain_sums|0_2026-11-20T10-00-00.000001.parquet"
    shutil.copy(PLAIN_RUN / "details.parquet", details)
    shutil.copy(PLAIN_RUN / "results.json", tmp_path / "results_2026-11-20T10-00-00.000001.json")
    shutil.copy(RECORDED / "scored" / "plain_sums.grades.jsonl", f"{details}.grades.jsonl")
    code, told, said = main("compare", tmp_path, tmp_path)
    assert code == 0, said
    (cells, *_) = [line.split() for line in told.splitlines() if line.startswith("plain_sums A")]
    # Right in 7 of 12: the count that LightEval's own metric implies, too; only grades know what was no answer.
    assert cells[2:4] + cells[-5:] == ["58.3", "–", "12", "12", "–", "0", "61"]
