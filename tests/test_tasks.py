"""Tasks: golds that their own graders accept, prompts as stated, options in an order that nothing but the question decides."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from lighteval_r1.numbers.scores import task_row
from lighteval_r1.records import Estimate, Outcome, RunProblem, Sample, TaskRun, UserError, data_sha256
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.gpqa_diamond import options_in_order
from lighteval_r1.tasks.names import find, task_named
from lighteval_r1.tasks.specs import parse_spec
from lighteval_r1.tasks.task import local_file, local_rows, task_rows

# Rows of one public copy: no digest is known of them.
ONE_COPY = ["r1_aime26", "matharena_aime26", "r1_hmmt_feb25", "r1_amc23", "r1_minerva"]
REAL = ["r1_aime24", "r1_aime25", "r1_math_500", "openr1_aime24", "openr1_aime25", "openr1_math_500"]
GPQA_ROW = {
    "Question": "Which one?",
    "Correct Answer": "this",
    "Incorrect Answer 1": "that",
    "Incorrect Answer 2": "those",
    "Incorrect Answer 3": "none",
    "High-level domain": "Physics",
}


def problems_of(name, shared):
    task = TASKS[name]
    return [task.problem(row) for row in local_rows(shared / "data" / f"{task.file}.jsonl")]


@pytest.mark.parametrize("name", [*REAL, *ONE_COPY])
def test_real_golds_are_graded_correct_and_an_empty_reply_is_no_answer(name, shared):
    problems = problems_of(name, shared)
    assert len(problems) == TASKS[name].n_problems
    assert TASKS[name].check(problems) == []


@pytest.mark.parametrize("name", ["demo_sums", "demo_choices", "demo_programs"])
def test_demo_golds_are_graded_correct(name):
    task = TASKS[name]
    assert task.check([task.problem(row) for row in task.rows()]) == []


@pytest.mark.parametrize("name", REAL)
def test_the_rows_in_use_are_those_known_for_the_benchmark(name, shared):
    assert data_sha256(problems_of(name, shared)) == TASKS[name].known_data


def test_a_check_names_a_gold_that_its_grader_refuses():
    task = TASKS["r1_gpqa_diamond"]
    problem = task.problem(GPQA_ROW)
    wrong = type(problem)(**{**vars(problem), "gold": json.dumps({"letter": "Z", "options": ["a", "b", "c", "d"]})})
    assert task.check([wrong])


def test_deepseeks_sentence_ends_the_prompt_and_there_is_no_system_prompt_in_it(shared):
    prompt = problems_of("r1_aime24", shared)[0].prompt
    assert prompt.startswith("Every morning Aya")
    assert prompt.endswith("\nPlease reason step by step, and put your final answer within \\boxed{}.")


def test_a_twin_asks_the_same_rows_otherwise(shared):
    ours, theirs = problems_of("r1_aime24", shared), problems_of("openr1_aime24", shared)
    assert data_sha256(ours) == data_sha256(theirs)
    assert all(a.id != b.id for a, b in zip(ours, theirs, strict=True))
    assert "I hope it is correct" in theirs[0].prompt and "$\\boxed{ANSWER}$" in theirs[0].prompt


def test_samples_per_problem_are_those_of_the_mission():
    expected = {"r1_aime24": 64, "r1_aime25": 64, "r1_math_500": 4, "r1_gpqa_diamond": 8, "r1_lcb": 16}
    assert {name: TASKS[name].n for name in expected} == expected


def test_gold_letters_are_balanced_over_the_options():
    letters = Counter(options_in_order(f"question {i}", list("abcd")).index(0) for i in range(4000))
    assert all(abs(count - 1000) < 120 for count in letters.values())


def test_the_order_of_options_is_the_same_in_every_process():
    code = (
        "import random; random.random();"
        "from lighteval_r1.tasks.gpqa_diamond import options_in_order as o;"
        "print([o(f'question {i}', list('abcd')) for i in range(50)])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


def test_a_gpqa_problem_shows_each_option_once_and_knows_its_letter():
    problem = TASKS["r1_gpqa_diamond"].problem(GPQA_ROW)
    gold = json.loads(problem.gold)
    assert sorted(gold["options"]) == ["none", "that", "this", "those"]
    assert gold["options"]["ABCD".index(gold["letter"])] == "this"
    assert f"{gold['letter']}) this" in problem.prompt
    assert problem.groups == {"domain": "Physics"}


def test_a_gpqa_question_in_several_orders_is_several_problems_and_one_question_of_the_table(tmp_path, monkeypatch):
    rows = [GPQA_ROW | {"Question": f"Which one of {i}?", "Record ID": f"rec{i}"} for i in range(6)]
    (tmp_path / "gpqa_diamond.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("LIGHTEVAL_R1_DATA", str(tmp_path))
    task = TASKS["r1_gpqa_diamond_orders"]
    problems = [task.problem(row) for row in task_rows(task)]
    assert len({problem.id for problem in problems}) == 48 and task.check(problems) == []
    # The first order is the usual task's.
    assert [p.id for p in problems[::8]] == [TASKS["r1_gpqa_diamond"].problem(row).id for row in rows]
    assert len({json.loads(problem.gold)["letter"] for problem in problems}) == 4
    assert len(task_rows(parse_spec("gpqa_diamond_orders@limit=2").task)) == 16
    # Two questions, right in 4 of 8 orders and in all: mean 3/4; over the questions sqrt(1/8) / sqrt(2) = 1/4, and
    # over the orders, variance 2/7 of the first: sqrt(2/7 / 8) / 2 = 0.0945.
    outcomes = [Outcome.CORRECT] * 4 + [Outcome.WRONG] * 4 + [Outcome.CORRECT] * 8
    asked = [
        RunProblem(p.id, groups=p.groups, samples=[Sample(p.id, p.id, 0, None, "", outcome=outcome)])
        for p, outcome in zip(problems, outcomes, strict=False)
    ]
    row = task_row(TaskRun.of_problems("t", asked, version=2, n=1))
    found = replace(row.pass_at_1, same_problems=None, other_problems=None)
    assert found == Estimate(0.75, pytest.approx(0.0945, abs=1e-4), pytest.approx(0.25), 2, 16)


def test_livecodebench_rows_become_problems_with_their_tests(shared):
    task = TASKS["r1_lcb"]
    rows = list(local_rows(shared / "grading" / "livecodebench_rows_dev.jsonl"))[:20]
    problems = [task.problem(row) for row in rows]
    assert len({problem.id for problem in problems}) == 20
    assert set(json.loads(problems[0].gold)) == {"fn_name", "public", "private"}


def test_olympiadbenchs_parts_are_one_gold_and_one_row_has_a_tolerance(shared):
    task, problems = TASKS["r1_olympiadbench"], problems_of("r1_olympiadbench", shared)
    assert task.check(problems) == []
    (row,) = [problem for problem in problems if problem.gold.startswith("{")]
    assert task.grader.shown_gold(row.gold) == "4.2 ± 0.1"
    parts = next(problem for problem in problems if problem.gold == "1,3,5")
    right, wrong = (
        task.grader.grade_reply(f"</think> \\boxed{{{answer}}}", parts.gold) for answer in ("5, 1, 3", "1, 3")
    )
    assert (right.outcome, wrong.outcome) == ("correct", "wrong")


SPELLINGS = {
    "in dollars": lambda gold: f"</think>The final answer is $\\boxed{{\\displaystyle {gold}}}$",
    "announced": lambda gold: f"</think>So we are done.\n\n**Final Answer:** ${gold}$",
    "with a dot": lambda gold: f"</think>Thus\n\\[\\boxed{{{gold}}}.\\]",
}


@pytest.mark.parametrize("name", [*REAL, *ONE_COPY, "r1_olympiadbench"])
def test_golds_are_correct_in_other_spellings_of_the_reply(name, shared):
    task = TASKS[name]
    for problem in problems_of(name, shared)[::7]:
        gold = task.grader.shown_gold(problem.gold).partition(" ± ")[0]
        if "$" in gold:
            continue  # it would end the dollars around it
        outcomes = {how: task.grader.grade_reply(reply(gold), problem.gold).outcome for how, reply in SPELLINGS.items()}
        assert set(outcomes.values()) == {"correct"}, (gold, outcomes)


def test_matharenas_twins_count_no_answer_in_the_thinking():
    ours, theirs = TASKS["r1_hmmt_feb25"], TASKS["matharena_hmmt_feb25"]
    reply = r"<think>So \boxed{103}.</think>"
    assert ours.grader.grade_reply(reply, "103").outcome == "correct"
    assert theirs.grader.grade_reply(reply, "103").outcome == "no_answer"
    assert theirs.problem({"problem": "Why?", "answer": 1}).prompt == "Put your final answer within \\boxed{}.\n\nWhy?"


def test_ten_options_have_ten_letters():
    row = {"question": "Which?", "options": [f"option {i}" for i in range(10)], "answer": "J", "category": "math"}
    problem = TASKS["r1_mmlu_pro"].problem(row)
    assert "J) option 9" in problem.prompt and TASKS["r1_mmlu_pro"].check([problem]) == []
    with pytest.raises(UserError, match="a question with 10 options and the gold 'K'"):
        TASKS["r1_mmlu_pro"].problem(row | {"answer": "K"})


EVALPLUS_TESTS = """
import numpy as np

def assertion(out, exp, atol):
    assert out == exp or atol and np.allclose(out, exp, atol=atol)
"""
HUMANEVAL_ROW = {
    "task_id": "HumanEval/0",
    "prompt": 'def half(x: float) -> float:\n    """Half of x."""\n',
    "canonical_solution": "    return x / 2\n",
    "entry_point": "half",
    "test": EVALPLUS_TESTS
    + """
def check(candidate):
    for inp, exp in zip([[3], [0.2]], [1.5, 0.1]):
        assertion(candidate(*inp), exp, 1e-6)
""",
}
MBPP_ROW = {
    "task_id": 2,
    "prompt": "Write a function that halves.",
    "code": "def half(x):\n    return x / 2",
    "test_list": ["assert half(4) == 2"],
    "test": EVALPLUS_TESTS + "\nfor inp, exp in zip([[3], [4]], [1.5, 2]):\n    assertion(half(*inp), exp, 0)\n",
}


@pytest.mark.parametrize(("name", "row"), [("r1_humaneval_plus", HUMANEVAL_ROW), ("r1_mbpp_plus", MBPP_ROW)])
def test_tests_that_are_a_program_run_behind_the_replys_and_their_end_must_be_reached(name, row):
    task = TASKS[name]
    problem = task.problem(row)
    assert task.check([problem]) == [] and ("half(x" in problem.prompt or "half(4)" in problem.prompt)
    replies = {
        "def half(x):\n    return x // 2": "wrong",
        "def half(x):\n    return x * 0.50000001": "correct" if name == "r1_humaneval_plus" else "wrong",
        "def half(x):\n    raise SystemExit": "wrong",
        "import sys\nsys.exit(0)": "wrong",
        "def other(x):\n    return x / 2": "wrong",
        "class Solution:\n    pass\ndef half(x):\n    return x / 2": "correct",
    }
    graded = {code: task.grader.grade_reply(f"</think>```python\n{code}\n```", problem.gold) for code in replies}
    assert {code: grade.outcome for code, grade in graded.items()} == replies
    assert task.grader.shown_gold(problem.gold) == ""


def test_a_window_of_livecodebench_holds_its_months(shared):
    task = task_named("lcb_2408_2505")
    rows = [
        {"contest_date": f"20{month[:2]}-{month[2:]}-15T00:00:00"} for month in ("2407", "2408", "2412", "2505", "2506")
    ]
    assert [task.keep(row) for row in rows] == [False, True, True, True, False]
    assert find("r1_lcb_2505_2408") is find("r1_lcb_2413_2505") is None


def test_names_fit_lightevals_specifications():
    assert not [name for name in TASKS if set(name) & set(",:|@ ")]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("aime24", "r1_aime24"),
        ("aime_2026", "r1_aime26"),
        ("MATH-500", "r1_math_500"),
        ("gpqa:diamond", "r1_gpqa_diamond"),
        ("GPQA Diamond", "r1_gpqa_diamond"),
        ("lcb:codegeneration", "r1_lcb"),
        ("mmlu-pro", "r1_mmlu_pro"),
        ("sums", "demo_sums"),
        ("lcb_2408_2505", "r1_lcb_2408_2505"),
    ],
)
def test_names_that_people_type_are_understood(said, meant):
    assert task_named(said).name == meant


@pytest.mark.parametrize(
    ("said", "nearest"), [("hmmt", "r1_hmmt_feb25"), ("gpqaa", ".*r1_gpqa_diamond"), ("beyond", "r1_beyond_aime")]
)
def test_unknown_names_get_near_ones_by_sense(said, nearest):
    with pytest.raises(UserError, match=f"there is no task '{said}'. Nearest: {nearest}"):
        task_named(said)


def test_a_row_without_a_column_is_named():
    with pytest.raises(UserError, match="r1_aime24: a row has no column 'answer'"):
        TASKS["r1_aime24"].problem({"problem": "1 + 1?"})


def test_a_missing_local_file_is_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTEVAL_R1_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"has no aime_2024.jsonl .*unset LIGHTEVAL_R1_DATA"):
        local_file(TASKS["r1_aime24"])
