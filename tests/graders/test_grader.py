"""A grader is one object: it states all that others ask of it, and no code asks for its name."""

import ast
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from lighteval_r1.graders import CHOICE, EXPRESSION, FOREIGN, GRADERS, PROGRAM, REAL, Found, Grader, grader_named
from lighteval_r1.graders.real import gold_within
from lighteval_r1.graders.statements.equations import equalities
from lighteval_r1.graders.statements.question import Reading
from lighteval_r1.records import Grade, Outcome
from lighteval_r1.sampling.pool import SEARCHED_LENGTH, Pool
from lighteval_r1.tasks import TASKS

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src" / "lighteval_r1"
TOY = """
import sys
from lighteval_r1.graders import GRADERS, Found, Grader
from lighteval_r1.records import Grade, Outcome
from lighteval_r1.sampling import grading_worker

def find(text, gold):
    with open(sys.argv[0] + ".found" if __name__ == "__main__" else __file__ + ".found", "a") as file:
        file.write("worker\\n" if __name__ == "__main__" else "owner\\n")
    words = text.split()
    return Found(words[-1], "last word") if words else Found("", "no word")

def judge(answer, where, gold):
    return Grade(Outcome.CORRECT if answer == gold else Outcome.WRONG, answer, where)

TOY = Grader(
    name="toy", find=find, judge=judge, shown_gold=str, label=str, candidates=None, limit_s=5.0, confined=False,
    answer_in_thinking=False,
)

if __name__ == "__main__":
    GRADERS[TOY.name] = TOY
    grading_worker.main(int(sys.argv[1]))
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A grader in a file of its own: (the Grader, where its searches are noted)."""
    path = tmp_path / "toy_grader.py"
    path.write_text(TOY)
    folders = [str(tmp_path), str(SRC.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(folders))
    monkeypatch.syspath_prepend(tmp_path)
    import toy_grader

    yield toy_grader.TOY, tmp_path / "toy_grader.py.found"
    del sys.modules["toy_grader"]


# The others are these with some of it changed.
STATED = ("expression", "choice", "program")


@pytest.mark.parametrize("name", STATED)
def test_a_grader_states_every_field_and_is_listed_under_its_name(name):
    text = (SRC / "graders" / f"{name}.py").read_text(encoding="utf-8")
    stated = text[text.index(f"{name.upper()} = Grader(") :]
    assert [field.name for field in fields(Grader) if f"\n    {field.name}=" not in stated] == []


def test_graders_are_listed_under_their_names():
    assert set(STATED) < set(GRADERS) and all(grader.name == name for name, grader in GRADERS.items())


def test_what_people_may_see_of_a_gold():
    assert EXPRESSION.shown_gold(r"\frac{1}{2}") == r"\frac{1}{2}"
    assert CHOICE.shown_gold('{"letter": "B", "options": ["x", "y"]}') == CHOICE.shown_gold("B") == "B"
    assert PROGRAM.shown_gold('{"private": "hidden"}') == ""


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize(
    "gold",
    [
        *("", "K", "{", "{}", "[]", '{"letter": 3}', '{"letter": "B", "options": 7}', '{"options": []}', "\ud800", "9" * 5000),
        *('{"answer"', '{"answer": 5}', '{"answer": "5", "within": "x"}', '{"answer": "5", "within": "1/0"}', "null"),
    ],
)  # fmt: skip
def test_a_gold_of_a_file_of_others_is_shown_whatever_it_is(name, gold):
    assert isinstance(GRADERS[name].shown_gold(gold), str)


def test_wrong_answers_are_counted_under_their_normal_form_and_programs_have_no_vote():
    assert EXPRESSION.label("0.50") == EXPRESSION.label(r"\frac{1}{2}") != EXPRESSION.label("2")
    assert CHOICE.label("B") == "B"
    assert PROGRAM.label is None


def test_only_programs_run_generated_code_and_they_state_no_answer_in_a_thinking():
    assert [name for name, grader in GRADERS.items() if grader.confined] == ["program"]
    assert PROGRAM.candidates is None


@pytest.mark.parametrize("name", [name for name, grader in GRADERS.items() if grader.reference])
def test_a_graders_own_reply_with_a_gold_is_right(name):
    grader = GRADERS[name]
    assert grader.grade_reply(grader.reference("B"), "B").outcome is Outcome.CORRECT
    assert PROGRAM.reference is None


@pytest.mark.parametrize("name", GRADERS)
def test_a_thought_that_never_ended_is_cut_off_whatever_the_grader(name):
    grader = GRADERS[name]
    assert grader.grade(None, "") == Grade(Outcome.NO_ANSWER, "", "cut off")
    assert grader.grade_reply(r"so \boxed{B} ```\n1\n```", "B", thinking_opened=True).step == "cut off"


def test_a_run_that_names_no_grader_is_shown_and_counted_but_states_nothing():
    assert grader_named("") is grader_named("of another harness") is FOREIGN
    assert FOREIGN.shown_gold("7") == "7" and FOREIGN.label("07") == "7" and FOREIGN.candidates is None
    assert grader_named("choice") is CHOICE


def test_a_task_names_its_grader_once_and_its_problems_carry_the_name():
    for task in TASKS.values():
        assert GRADERS[task.grader.name] is task.grader
    task = TASKS["demo_programs"]
    assert {task.problem(row).grader for row in task.rows()} == {"program"}


def test_naming_graders_and_tasks_imports_neither_sympy_nor_mpmath_and_a_grading_process_no_numpy():
    program = (
        "import sys, lighteval_r1.sampling.grading_worker\n"
        "assert 'numpy' not in sys.modules\n"
        "import lighteval_r1.tasks, lighteval_r1.sampling.pool\n"
        "heavy = {'sympy', 'mpmath', 'math_verify', 'torch', 'vllm', 'lighteval'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_no_code_asks_which_grader_it_is():
    naming = [
        f"{path.relative_to(SRC)}:{node.lineno}"
        for path in sorted(SRC.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and node.value in GRADERS
        and not {SRC / "graders", SRC / "confined"} & set(path.parents)
    ]
    assert naming == []


def test_a_new_grader_grades_in_the_pool_as_it_does_alone(toy):
    grader, _ = toy
    texts = ["the answer 7", "the answer 8", "", None, "long " * SEARCHED_LENGTH + "7"]
    with Pool(1, module="toy_grader") as pool:
        grades = pool.grade_many([(grader, text, "7") for text in texts])
    assert grades == [grader.grade(text, "7") for text in texts]
    assert [grade.outcome for grade in grades] == ["correct", "wrong", "no_answer", "no_answer", "correct"]


def test_an_answer_is_searched_once_and_a_long_text_only_in_the_grading_process(toy):
    grader, searches = toy
    with Pool(1, module="toy_grader") as pool:
        pool.grade_many([(grader, "the answer 7", "7"), (grader, "7", "7"), (grader, "8", "7")])
        assert searches.read_text().split() == ["owner"] * 3
        pool.grade_many([(grader, "long " * SEARCHED_LENGTH + "7", "7")])
    assert searches.read_text().split() == ["owner"] * 3 + ["worker"]


def test_what_a_grader_raises_while_it_searches_leaves_the_reply_ungraded_and_the_others_graded():
    with Pool(1) as pool:
        died, fine = pool.grade_many([(CHOICE, "Answer: B", "10 m/s"), (CHOICE, "Answer: B", "B")])
    assert "no letter from A to J" in str(died)
    assert fine == Grade(Outcome.CORRECT, "B", "announced")


def test_equal_answers_of_two_graders_are_two_questions():
    with Pool(1) as pool:
        grades = pool.grade_many([(EXPRESSION, r"\boxed{B}", "B"), (CHOICE, r"\boxed{B}", "B")])
    assert [grade.step for grade in grades] == [EXPRESSION.grade(r"\boxed{B}", "B").step, "box"]


def test_nothing_found_is_no_answer_with_its_reason():
    assert EXPRESSION.grade_found(Found("", "nothing"), "7") == Grade(Outcome.NO_ANSWER, "", "nothing")


@pytest.mark.parametrize("gold", ["5", "0.25", "-3", "$5$"])
@pytest.mark.parametrize("answer", ["5", "05", "5.0", "5.01", "0.25", ".25", "0.250", "-3", "3", "2.5"])
def test_a_stated_number_is_settled_as_its_grader_grades_it(gold, answer):
    right = EXPRESSION.grade(f"\\boxed{{{answer}}}", gold).outcome is Outcome.CORRECT
    for text in (f"\\boxed{{{answer}}}", f"So it gives ${answer}$."):
        rights = [statement.right for statement in EXPRESSION.candidates(text, problem="What is it?", gold=gold)]
        # What is known to be wrong is not even a candidate.
        assert (rights and False not in rights) if right else True not in rights, text


def test_a_number_near_a_measured_one_is_for_its_grader_to_say():
    gold = gold_within("1.6", "0.016")
    near, far = (REAL.candidates(f"\\boxed{{{answer}}}", problem="", gold=gold) for answer in ("1.61", "9"))
    assert [statement.right for statement in near + far] == [None, None]


def test_a_box_that_is_all_that_is_stated_is_what_stands_in_it():
    statements = EXPRESSION.candidates(r"The answer is \boxed{\frac{1}{2}}.", problem="", gold=r"\frac{1}{2}")
    assert {statement.answer for statement in statements} == {r"\frac{1}{2}"}


def test_steps_within_brackets_are_read_in_the_order_of_their_ends():
    reading = Reading("$x = \\sqrt{5}(1 + (y = 3)) + 2$\nw = 6\n", "", lists=False)
    assert [statement.answer for statement in equalities(reading)] == ["3", r"\sqrt{5}(1 + (y = 3)) + 2", "6"]


@pytest.mark.parametrize(
    ("gold", "deciding"), [("42", [("42", True, True)]), ("4", [("4", True, False), ("7", False, False)])]
)
def test_an_equation_alone_is_tied_to_the_question_where_hardly_another_quantity_has_its_value(gold, deciding):
    statements = EXPRESSION.candidates(f"x = {gold}\ny = 7\nz = 9\n", problem="How many ways?", gold=gold)
    assert [(statement.answer, statement.right, statement.linked) for statement in statements] == deciding
