"""Problems of one's own: read from any usual file, or refused in one line that names file and row."""

import json
import os

import pytest

from lighteval_r1.cli.evaluate import task_specs
from lighteval_r1.cli.options import ProblemOptions
from lighteval_r1.outside import variables
from lighteval_r1.records import UserError
from lighteval_r1.tasks import own
from lighteval_r1.tasks import task as task_module
from lighteval_r1.tasks.names import find
from lighteval_r1.tasks.task import task_rows

SUMS = [{"id": i, "question": f"What is {i} + 2?", "answer": i + 2} for i in range(20)]


@pytest.fixture(autouse=True)
def nothing_named_before(monkeypatch):
    # setenv first, so that what the tests set is taken back
    monkeypatch.setenv(variables.OWN_PROBLEMS.name, "")


def written(folder, rows, *, name="problems.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def problems_of(task):
    return [task.problem(row) for row in task_rows(task)]


def test_a_file_is_a_task_for_this_process_and_those_it_starts(tmp_path, capsys):
    specs = task_specs(written(tmp_path, SUMS) + "@n=3", n=None, problems=ProblemOptions())
    assert [str(spec) for spec in specs] == ["own_problems@n=3|0"]
    understood = (
        f"own_problems is {tmp_path}/problems.jsonl, graded by expression; columns: question question, gold answer"
    )
    assert understood in capsys.readouterr().err
    described = json.loads(os.environ[variables.OWN_PROBLEMS.name])
    assert described["own_problems"]["grader"] == "expression"
    task = find("own_problems")
    assert [problem.gold for problem in problems_of(task)] == [str(i + 2) for i in range(20)]
    assert problems_of(task)[0].prompt.startswith("What is 0 + 2?\nPlease reason step by step")
    assert (
        own.spelled_out(str(specs[0])) == f"{tmp_path}/problems.jsonl@n=3"
        and own.spelled_out("r1_lcb@n=2|0") == "r1_lcb@n=2|0"
    )


def test_csv_and_parquet_hold_the_same_problems(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    (tmp_path / "a.csv").write_text(
        "\ufeffid,question,answer\n" + "".join(f'{r["id"]},"{r["question"]}",{r["answer"]}\n' for r in SUMS)
    )
    parquet.write_table(pyarrow.Table.from_pylist(SUMS), tmp_path / "b.parquet")
    written(tmp_path, SUMS, name="c.jsonl")
    a, b, c = ([p.id for p in problems_of(own.add(str(tmp_path / name)))] for name in ("a.csv", "b.parquet", "c.jsonl"))
    assert a == b == c


@pytest.mark.parametrize(
    ("row", "grader", "gold"),
    [
        ({"problem": "1?", "final_answer": [r"\frac12"]}, "expression", r"\frac12"),
        ({"question": "1?", "answer": "3 + 4 = 7\n#### 7"}, "expression", "7"),
        ({"question": "1?", "options": ["x", "y"], "answer": "B"}, "choice", "B"),
        ({"question": "1?", "choices": ["x", "y"], "answer": 1}, "choice", "B"),
        ({"question": "1?", "choices": {"label": ["A", "B"], "text": ["x", "y"]}, "answer": "(b)"}, "choice", "B"),
        ({"question": "1?", "options": '["x", "y"]', "answer": "y"}, "choice", "B"),
        ({"question": "1?", "tests": [{"input": "1\n", "output": "2\n"}]}, "program", None),
        ({"question": "1?", "tests": {"inputs": ["1\n"], "outputs": ["2\n"]}}, "program", None),
    ],
)
def test_the_grader_follows_from_the_columns(row, grader, gold, tmp_path):
    task = own.add(written(tmp_path, [row]))
    (problem,) = problems_of(task)
    assert task.grader.name == grader == problem.grader
    if gold is not None:
        assert task.grader.shown_gold(problem.gold) == gold


def test_a_program_of_ones_own_is_judged_by_its_tests(tmp_path):
    task = own.add(written(tmp_path, [{"question": "Double it.", "tests": [{"input": "4\n", "output": "8\n"}]}]))
    (problem,) = problems_of(task)
    replies = [f"</think>\n```python\nprint(int(input()) * {factor})\n```" for factor in (2, 3)]
    assert [task.grader.grade_reply(reply, problem.gold).outcome for reply in replies] == ["correct", "wrong"]


def test_columns_grader_and_prompt_can_be_named(tmp_path):
    (tmp_path / "prompt.txt").write_text('Answer {"so"}: {problem} {}')
    path = written(tmp_path, [{"q": "A or B?", "a": "B"}])
    task = own.add(path, columns="question=q,gold=a", grader="choice", prompt_file=str(tmp_path / "prompt.txt"))
    (problem,) = problems_of(task)
    assert problem.prompt == 'Answer {"so"}: A or B? {}' and problem.gold == "B"


def test_problems_stay_the_same_whatever_the_lines_of_the_prompts_file_end_with(tmp_path):
    path, seen = written(tmp_path, [{"q": "1 + 1", "a": "2"}]), set()
    for number, end in enumerate((b"\n", b"\r\n", b"\r")):
        file = tmp_path / f"prompt-{number}.txt"
        file.write_bytes(b"Think." + end + b"{problem}" + end)
        task = own.add(path, columns="question=q,gold=a", prompt_file=str(file))
        seen.update((problem.prompt, problem.id) for problem in problems_of(task))
    assert {prompt for prompt, _ in seen} == {"Think.\n1 + 1\n"} and len(seen) == 1


def test_levels_and_subjects_of_ones_own_are_groups(tmp_path, main):
    rows = [row | {"level": i % 2, "subject": "sums", "Fach": "ab"[i % 2]} for i, row in enumerate(SUMS)]
    path = written(tmp_path, rows)
    task = own.add(path)
    # one subject is no group; what is not known by its name is named
    assert task.groups == {"level": ("0", "1")} and "subject subject" not in own.in_words(task)
    assert problems_of(task)[1].groups == {"level": "1"}
    assert own.add(path, columns="category=Fach").groups == {"level": ("0", "1"), "category": ("a", "b")}
    without = [problem.id for problem in problems_of(own.add(written(tmp_path, SUMS, name="plain.jsonl")))]
    assert [problem.id for problem in problems_of(task)] == without
    (spec,) = task_specs(path + "@level=1", n=None, problems=ProblemOptions())
    assert len(task_rows(spec.task)) == 10
    with pytest.raises(UserError, match="subject has 1 value, or more than 40: no level"):
        own.add(path, columns="level=subject")


BAD = {
    "empty": ([], "holds no problem"),
    "no question": ([{"q": "1?", "answer": "1"}], "has no column of the question; it has q, answer"),
    "no gold": ([{"question": "1?"}], "has no column of the gold"),
    "two golds": ([{"question": "1?", "answer": "1", "gold": "2"}], "has answer and gold: say which holds the gold"),
    "the same twice": ([SUMS[0], SUMS[1], SUMS[0]], "rows 1 and 3 ask the same question"),
    "a sentence": (
        [{"question": "1?", "answer": "it is because of all that was said here before"}],
        "row 1: the gold .* is a sentence",
    ),
    "letters alone": ([{"question": "1?", "answer": "B"}], "all golds are letters. Say --grader choice"),
    "gold no option": (
        [{"question": "1?", "options": ["x", "y"], "answer": "z"}],
        "row 1: the gold 'z' is none of the 2 options",
    ),
    "gold two options": (
        [{"question": "1?", "options": ["1", "0"], "answer": 0}],
        "row 1: the gold '0' may mean several",
    ),
    "tests that do not parse": ([{"question": "1?", "tests": "[1"}], "row 1: .* is not JSON"),
    "tests without output": ([{"question": "1?", "tests": [{"input": "1"}]}], "row 1: tests are a list of"),
    "an empty gold": ([SUMS[0], {"question": "2?", "answer": " "}], "row 2: the gold is empty"),
    "an empty question": ([SUMS[0], {"question": " ", "answer": "2"}], "row 2: no question"),
    "a NUL": ([{"question": "1\0?", "answer": "2"}], "row 1: the question holds a NUL character"),
    "an unclosed brace": (
        [{"question": "1?", "answer": r"\frac{1"}],
        "row 1: the gold .* has a brace that does not close",
    ),
    "not a number": ([{"question": "1?", "answer": float("nan")}], "row 1: the gold 'nan' is no number"),
    "an object": ([{"question": "1?", "answer": {"a": 1}}], "row 1: the gold is an object"),
    "options of lists": (
        [{"question": "1?", "options": [["x"], "y"], "answer": "A"}],
        "row 1: an option is a text, not",
    ),
    "more outputs": (
        [{"question": "1?", "tests": {"inputs": ["1"], "outputs": ["1", "2"]}}],
        "row 1: tests have 1 inputs and 2 outputs",
    ),
    "a missing cell": ([SUMS[0], {"question": "2?"}], "row 2: the gold is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_faulty_file_is_one_line(name, tmp_path):
    rows, message = BAD[name]
    with pytest.raises(UserError, match=message):
        own.add(written(tmp_path, rows))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.jsonl", b'{"question": "\xe9", "answer": "1"}\n', "is not UTF-8 text"),
        ("a.jsonl", b'{"question": "1?", "answer": "1"}\n{"question": \n', "line 2: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: a list, not an object"),
        ("a.jsonl", b'{"question": "1?", "answer": 1, "answer": 2}\n', "line 1: not JSON .an object has two 'answer'"),
        ("a.jsonl", b'{"question": "1?", "answer": ' + b"9" * 99_999 + b"}\n", "line 1: not JSON .Exceeds the limit"),
        (
            "a.jsonl",
            b'{"question": "1?", "answer": ' + b"[" * 99999 + b"\n",
            "line 1: not JSON .maximum recursion depth",
        ),
        ("a.csv", b"question,answer\n1?,2,3\n", "row 1: it has not as many cells"),
        ("a.csv", b"question,answer,answer\n1?,2,3\n", "has two columns 'answer'"),
        ("a.parquet", b"PAR1 is not all", "is not a parquet file"),
    ],
)
def test_a_file_of_something_else_is_one_line(file, content, message, tmp_path):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=message):
        own.add(str(tmp_path / file))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"columns": "question"}, "--columns question: it looks like question="),
        ({"columns": "question=nothing"}, "has no column 'nothing'; it has id, question, answer"),
        ({"grader": "exact"}, "--grader exact: there is no such grader. There are: expression"),
        ({"prompt_file": "nowhere.txt"}, "cannot read --prompt-file nowhere.txt"),
    ],
)
def test_options_that_fit_no_file_are_one_line(said, message, tmp_path):
    with pytest.raises(UserError, match=message):
        own.add(written(tmp_path, SUMS), **said)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "large.jsonl").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(UserError, match="has 1.0 GiB; problems of one's own may have up to 1 GiB"):
        own.add(str(tmp_path / "large.jsonl"))


def test_a_line_that_has_no_end_is_refused_without_reading_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(task_module, "LONGEST_LINE", 2**20)
    (tmp_path / "a.jsonl").write_bytes(b'{"question": "' + b"a" * 2**21)
    with pytest.raises(UserError, match="line 1 is longer than 1 million characters"):
        own.add(str(tmp_path / "a.jsonl"))


def test_a_csv_cell_may_be_as_long_as_a_reply(tmp_path):
    (tmp_path / "a.csv").write_text(f"question,answer\n{'a' * 200_000},2\n")
    assert len(problems_of(own.add(str(tmp_path / "a.csv")))[0].prompt) > 200_000


def test_a_file_of_another_kind_is_told_from_a_list_of_tasks(tmp_path):
    (tmp_path / "problems.json").write_text("[]")
    with pytest.raises(
        UserError, match="problems of one's own are read from .jsonl, .csv, .parquet, a suite from .yaml"
    ):
        task_specs(str(tmp_path / "problems.json"), n=None)


def test_replies_to_ones_own_problems_are_graded_and_read_by_their_file(tmp_path, main, monkeypatch):
    problems = written(tmp_path, SUMS)
    replies = [
        {"uid": str(i), "question": row["question"], "gen": f"It is \\boxed{{{i + 2}}}."}
        for i, row in enumerate(SUMS[:4])
    ]
    path = written(tmp_path, replies, name="replies.jsonl")
    code, said, _ = main("score", path, "--task", problems)
    assert code == 0 and "own_problems   100.0" in said
    # another process knows the task by its address
    monkeypatch.setenv(variables.OWN_PROBLEMS.name, "")
    code, said, _ = main("results", path)
    assert code == 0 and " 100.0 " in said
