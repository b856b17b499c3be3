"""Tasks that others bring: by a file, a module or an entry point; a mistake in one is one line."""

import pytest

from lighteval_r1.outside import variables
from lighteval_r1.records import UserError
from lighteval_r1.tasks import added
from lighteval_r1.tasks.names import find, task_named
from lighteval_r1.tasks.specs import parse_spec
from lighteval_r1.tasks.task import task_rows

CODE = """
from lighteval_r1.graders import EXPRESSION
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, row_sha256

def read(row, prompt):
    question = "%s" % row["q"]
    return Problem(prompt=prompt.format(problem=question), gold=row["a"], name=row["q"], row_sha256=row_sha256(question))

TASKS = [Task(name=NAME, repo="mine", subset="", split="test", file="mine", columns=("q", "a"), prompt=ASKED, read=read,
              grader=EXPRESSION, n=2, version=1, licence="mine", n_problems=1,
              rows=lambda: [{"q": "1 + 1?", "a": "2"}])]
"""


def code(name="mine_sums", prompt='"{problem} Box it."') -> str:
    return CODE.replace("NAME", repr(name)).replace("ASKED", prompt)


@pytest.fixture
def named(tmp_path, monkeypatch):
    """named(code): a file with this code is what the variable names."""

    def write(text: str) -> str:
        path = tmp_path / "my_tasks.py"
        path.write_text(text)
        monkeypatch.setenv(variables.TASKS.name, str(path))
        return str(path)

    added.added_tasks.cache_clear()
    yield write
    added.added_tasks.cache_clear()


def test_a_files_tasks_are_asked_checked_and_listed_as_ours(named, main):
    named(code())
    assert task_named("mine_sums").problem({"q": "1?", "a": "1"}).prompt == "1? Box it."
    assert [row["a"] for row in task_rows(parse_spec("mine_sums@n=3@limit=1").task)] == ["2"]
    assert "mine_sums: 1 problem, 0 faults" in main("check", "mine_sums")[1]
    assert "mine_sums" in main("tasks")[1]
    with pytest.raises(UserError, match="Nearest: .*mine_sums"):
        task_named("mine_sum")


def test_an_installed_packages_entry_point_brings_its_tasks(named, tmp_path, monkeypatch):
    named(code())
    monkeypatch.setenv(variables.TASKS.name, "")
    (tmp_path / "mine-1.0.dist-info").mkdir()
    (tmp_path / "mine-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (tmp_path / "mine-1.0.dist-info" / "entry_points.txt").write_text("[lighteval_r1.tasks]\nmine = my_tasks\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find("mine_sums").name == "mine_sums"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "my_tasks.py cannot be loaded: SyntaxError: invalid syntax"),
        (
            "import nothing_of_that_name",
            "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("x = 1", "has no list TASKS of tasks"),
        ("TASKS = [1]", "TASKS holds 1, which is no Task"),
        (code("a,b"), "'a,b' is no name of a task"),
        (code("r1_aime24"), "r1_aime24 is a task of this package. Give it another name"),
        (code() + "TASKS *= 2", "mine_sums is a task of .*my_tasks.py"),
        (
            code(prompt='"{problem} {so}"'),
            "the prompt of mine_sums is no template (KeyError('so'))".replace("(", r"\(").replace(")", r"\)"),
        ),
        (code(prompt='"Box it."'), "the prompt of mine_sums has no {problem} in it"),
    ],
)
def test_a_mistake_in_anothers_tasks_is_one_line(text, message, named):
    named(text)
    with pytest.raises(UserError, match=message):
        task_named("mine_sums")


def test_a_file_that_is_not_there_is_one_line(named, monkeypatch):
    monkeypatch.setenv(variables.TASKS.name, "/nowhere/tasks.py")
    with pytest.raises(UserError, match="LIGHTEVAL_R1_TASKS=/nowhere/tasks.py cannot be loaded: FileNotFoundError"):
        task_named("mine_sums")
