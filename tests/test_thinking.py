"""What is measured of a thinking: by hand, on replies that mean harm, and over runs."""

import dataclasses
import json
import time
from functools import partial
from pathlib import Path

import pytest
from runs import a_sample
from thinking_cases import CASES, LETTERS, MARK
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import ByteLevel, WhitespaceSplit
from tokenizers.processors import ByteLevel as ByteLevelOffsets

from lighteval_r1.graders import GRADERS
from lighteval_r1.graders.statements import Candidate, Statement, deciding
from lighteval_r1.records import OwedError, Run, RunProblem, Sample, TaskRun, UserError, pack_token_ids
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.thinking.first_correct import Stated, first_correct
from lighteval_r1.thinking.judge import steps_of
from lighteval_r1.thinking.measure_runs import Choice, for_report, measure_runs
from lighteval_r1.thinking.measures import Measured, measured, thinking_of
from lighteval_r1.thinking.summary import part_of
from lighteval_r1.thinking.table import task_lines
from lighteval_r1.thinking.thoughts import changes
from lighteval_r1.thinking.tokens import Offsets, cuts_at_spaces, load_tokenizer

HERE = Path(__file__).parent
DEMO = HERE.parent / "src" / "lighteval_r1" / "demo" / "model"


def words_tokenizer() -> Tokenizer:
    """A token is what stands between spaces."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


@pytest.fixture(scope="module")
def pool():
    with Pool(2) as running:
        yield running


def stated(name: str, thinking: str, *, problem: str, gold: str, limit_s: float = 2.0) -> Stated:
    grader = dataclasses.replace(GRADERS[name], limit_s=limit_s)
    return Stated(grader, gold, grader.candidates(thinking, problem=problem, gold=gold))


def measure(case, pool):
    outcome = "correct" if case.correct else "wrong"
    sample = a_sample(0, case.reply.replace(MARK, ""), case.opened, outcome, None, "stop", None, None)
    problem = RunProblem("p", "p", case.problem, case.gold, case.grader, {}, [sample])
    thinking = thinking_of(sample)
    (place,), _ = first_correct([stated(case.grader, thinking.text, problem=case.problem, gold=case.gold)], pool=pool)
    end = None if place is None else place.end
    return measured(problem, sample, thinking=thinking, end=end, known=True, offsets=Offsets(words_tokenizer()))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_replies_measured_by_hand(case, pool):
    one = measure(case, pool)
    assert (one.tokens, one.first_correct, one.thoughts) == (case.tokens, case.first, case.thoughts)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_hand_counts_agree_with_the_marks(case):
    before, mark, _ = case.reply.partition(MARK)
    assert (len(before.split()) if mark else None) == case.first


def test_found_and_lost_and_given_up_are_told_apart_on_the_hand_made_replies(pool):
    # Lost: the gold is marked, the final answer is not right. Underthinking: a thought begins behind the mark, too.
    lost = {case.name for case in CASES if MARK in case.reply and not case.correct}
    given_up = {"given up", "two further approaches", "the first box", "a letter given up"}
    found = {case.name: measure(case, pool) for case in CASES if MARK in case.reply}
    assert {name for name, one in found.items() if one.lost} == lost
    assert {name for name, one in found.items() if one.underthinking} == given_up
    # "I think it might be 43 or 44. But wait, …" changes its approach before the gold, not behind it.
    assert found["after a guess"].changes_after == 0 and found["found twice"].changes_after == 2


def test_of_a_hundred_replies_that_were_read_a_reader_places_eight_elsewhere(shared, pool):
    # thinking_read.jsonl: 40 replies drawn at random (seed 2026), and 60 of other problems; all read; `end` is where the reader puts the first correct
    # answer (null: it never appears). A place within the same equation or sentence is the same place.
    read = [json.loads(line) for line in (HERE / "thinking_read.jsonl").read_text().splitlines()]
    rows = {
        row["uid"]: row
        for row in map(json.loads, (shared / "grading" / "r1_style_replies_dev.jsonl").open(encoding="utf-8"))
    }
    statements = []
    for one in read:
        row = rows[one["uid"]]
        thinking = thinking_of(a_sample(0, row["output"], True, None, None, None, None, None)).text
        statements.append(stated("expression", thinking, problem=row["problem"], gold=row["gold"]))
    found, _ = first_correct(statements, pool=pool)
    ends = [None if place is None else place.end for place in found]
    elsewhere = [one["uid"] for one, end in zip(read, ends, strict=True) if one["end"] != end]
    assert len(read) == 100
    # 350: the reader takes "(units digit is 4)" in brackets; 124: found in a case that the next sentence throws out.
    # Too early, too, are another angle of 28°, pi/2 said before it is said of k, and a product not yet worked out; too
    # late a small gold that is said in passing, a chain that ends in one, and a column.
    assert [uid.removeprefix("thip/").removesuffix("/0") for uid in elsewhere] == [
        "RLOOTAC/math500/350",
        "GRPONOTAC/math500/124",
        "GRPONOTAC/math500/208",
        "GSPOTAC/math500/289",
        "RLOOTAC/minerva_math/102",
        "RLOOTAC/math500/18",
        "RLOOTAC/math500/326",
        "RLOOTAC/math500/408",
    ]


def told(**changes) -> Measured:
    """A reply of 60 tokens, right, that reaches the gold after 20."""
    known = {"tokens": 60, "first_correct": 20, "reached": True, "thoughts": 2, "changes_after": 0, "correct": True}
    return Measured(**(known | {"cut_off": False, "there": True} | changes))


def test_reflection_and_both_efficiencies_follow_from_the_two_token_counts():
    assert (told().reflection, told().efficiency, told().efficiency_of_all) == (40, 20 / 60, 20 / 60)
    never = told(first_correct=None, reached=False)
    assert (never.reflection, never.efficiency, never.efficiency_of_all) == (None, None, 0.0)
    unknown = told(first_correct=None, reached=None)
    assert (unknown.efficiency, unknown.efficiency_of_all) == (None, None)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"overthinking"}),  # 60 tokens are 3 times 20
        ({"tokens": 59}, set()),
        ({"correct": False}, {"lost"}),
        ({"correct": False, "changes_after": 1}, {"lost", "underthinking"}),
        ({"changes_after": 1, "tokens": 59}, set()),
        ({"correct": False, "first_correct": None, "reached": False, "changes_after": 1}, set()),
        ({"correct": True, "first_correct": None, "reached": False}, set()),
        ({"correct": None}, set()),
    ],
)
def test_lost_underthinking_and_overthinking_are_told_apart(changes, names):
    one = told(**changes)
    assert {name for name in ("lost", "underthinking", "overthinking") if getattr(one, name)} == names


def test_measures_are_means_over_problems_with_their_error_over_problems():
    # T: problem means 60 and (30 + 50) / 2 = 40, so 50 with the error 10 * sqrt 2 / sqrt 2 = 10.
    # T^: 20 and, of the one reply that reaches it, 30: 25 with the error 5. Reached: 1 and 1/2.
    # Efficiency: 1/3 and 30/30 = 1; else 0: 1/3 and (1 + 0) / 2.
    reach, miss = told(tokens=30, first_correct=30), told(tokens=50, first_correct=None, reached=False, correct=False)
    found = part_of("run", [({}, [told()]), ({}, [reach, miss])])
    values = {name: (each.value, each.se_problems) for name, each in found.measures.items()}
    assert values["tokens"] == pytest.approx((50, 10))
    assert values["first_correct"] == pytest.approx((25, 5))
    assert values["reached"] == pytest.approx((0.75, 0.25))
    assert values["efficiency"] == pytest.approx((2 / 3, 1 / 3))
    assert values["efficiency_of_all"] == pytest.approx((5 / 12, 1 / 12))
    assert (found.n_problems, found.n_replies, found.lost, found.overthinking) == (2, 3, 0, 1)


def test_no_estimate_is_made_of_no_reply():
    never = told(first_correct=None, reached=False)
    found = part_of("run", [({}, [never]), ({}, [never])])
    assert found.measures["first_correct"] is None and found.measures["efficiency"] is None
    assert found.measures["reached"].value == 0


# ---- tokens


def demo_offsets() -> Offsets:
    return Offsets(Tokenizer.from_file(str(DEMO / "tokenizer.json")))


def sample_of(reply: str, *, ids=None, opened: bool = True, outcome: str | None = "correct", index: int = 0) -> Sample:
    return a_sample(index, reply, opened, outcome, None, "stop", None, None, pack_token_ids(ids) if ids else None)


def test_kept_token_ids_are_counted_as_they_were_sampled():
    offsets = demo_offsets()
    reply = "The sum is 15.</think>"
    ids = offsets.tokenizer.encode("The sum is ", add_special_tokens=False).ids
    # "15" written as two tokens and "." as its own: "The sum is " and three more cover the thinking.
    ids += [offsets.tokenizer.token_to_id(each) for each in "15."]
    ids += offsets.tokenizer.encode("</think>", add_special_tokens=False).ids
    assert offsets.counts(
        sample_of(reply, ids=ids), [len("The sum is 15."), len("The sum is ")], within=len(reply)
    ) == [
        len(offsets.tokenizer.encode("The sum is ", add_special_tokens=False).ids) + 3,
        len(offsets.tokenizer.encode("The sum is ", add_special_tokens=False).ids),
    ]
    assert dict(offsets.how) == {"sampled": 1}


def test_characters_of_several_bytes_do_not_shift_the_count():
    offsets = demo_offsets()
    reply = "Ωé∑ 15.</think>"
    ids = offsets.tokenizer.encode(reply, add_special_tokens=False).ids
    at = [len("Ωé∑ 15"), len("Ωé∑ 15.")]
    assert offsets.counts(sample_of(reply, ids=ids), at, within=len(reply)) == offsets.counts(
        sample_of(reply), at, within=len(reply)
    )
    assert dict(offsets.how) == {"sampled": 1, "anew": 1}


ODD = (
    "",
    " ",
    "  a  b",
    "a\n b",
    "a\u00a0 b c",
    " \u0301a b",
    "it 's don 't",
    "a😀 😀b \u200d c",
    "a\r\n b ",
    "中文 字 符 １２ ３",
    "x" * 300,
)


@pytest.mark.parametrize("trim", [False, True])
def test_words_counted_one_by_one_are_as_many_tokens_as_in_the_whole_text(trim):
    tokenizer = demo_offsets().tokenizer
    if trim:
        tokenizer.post_processor = ByteLevelOffsets(trim_offsets=True)
    offsets = Offsets(tokenizer)
    for text in (*ODD, " ".join(ODD), *(case.reply for case in CASES)):
        begins = [begin for begin, _ in tokenizer.encode(text, add_special_tokens=False).offsets]
        every = range(len(text) + 1)
        expected = [sum(begin < at for begin in begins) for at in every]
        assert offsets.n_begun(text, every) == expected, text
        assert [offsets.n_begun(text, [at])[0] for at in every] == expected, text
    assert offsets.remembered


def test_a_tokenizer_whose_tokens_reach_over_spaces_reads_the_whole_text():
    tokenizer = demo_offsets().tokenizer
    assert cuts_at_spaces(tokenizer) and not cuts_at_spaces(words_tokenizer())
    tokenizer.pre_tokenizer = ByteLevel(use_regex=False)
    assert not cuts_at_spaces(tokenizer)
    tokenizer = demo_offsets().tokenizer
    tokenizer.add_tokens(["the sum"])
    assert not cuts_at_spaces(tokenizer)


def kept(*statements: tuple[bool | None, dict]) -> list[int]:
    """Which of these the first correct answer depends on: whether each is the gold, and what else is so of it."""
    weak = {"strong": False, "linked": False}
    stated = [
        Statement(end, str(end), "said", partial(Candidate, end, str(end), "said", **(weak | ties)))
        for end, (_, ties) in enumerate(statements)
    ]
    candidates = deciding(
        stated, settled=lambda statement: statements[statement.end][0], look=lambda statement, _: statement.look()
    )
    return [candidate.end for candidate in candidates]


def test_only_statements_that_decide_are_looked_at():
    strong, linked, weak = {"strong": True}, {"linked": True}, {}
    # What is not the gold matters behind a weak statement of it alone, and once.
    assert kept((False, weak), (True, weak), (False, weak), (False, strong), (True, linked), (True, strong)) == [
        1,
        2,
        4,
    ]
    # A linked one settles no weak one before it: that waits for what comes next.
    assert kept((True, weak), (True, linked), (False, weak), (True, weak)) == [0, 1, 2]
    assert kept((True, weak), (True, strong), (False, weak)) == [0, 1]
    # What the grader must say leaves all open; what is supposed waits for nothing.
    assert kept((None, strong), (False, weak), (True, {"supposed": True}), (False, weak), (True, linked)) == [0, 2, 4]


def test_ids_that_do_not_spell_the_reply_are_not_counted_and_it_is_told():
    offsets = demo_offsets()
    reply = "15.</think>"
    assert offsets.counts(sample_of(reply, ids=[5] * 40), [3], within=len(reply)) == [3]
    assert dict(offsets.how) == {"not spelling": 1}


def test_without_a_tokenizer_one_line_says_what_to_do(tmp_path):
    run = Run(str(tmp_path), "here", {}, {}, {})
    with pytest.raises(UserError, match="name its folder or Hub id with --tokenizer") as error:
        load_tokenizer(run)
    assert "\n" not in str(error.value)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="is damaged"):
        load_tokenizer(run)


# ---- replies that mean harm

# Texts that grow with n: at 100 they are up to 1.2 MB long.
HARM = {
    "boxes": lambda n: "\\boxed{" * (1000 * n),
    "signs": lambda n: "= " * (1000 * n),
    "announcements": lambda n: "the answer is " * (100 * n),
    "towers": lambda n: "".join(f"x = 9^{{9^{{9^{{{i}}}}}}}\n" for i in range(50 * n)),
    "letters": lambda n: "so the answer is option (" * (100 * n),
    "one line": lambda n: "a" * (10_000 * n),
    "brackets": lambda n: "=" + "(" * (3000 * n),
    "dollars": lambda n: "is $" * (1000 * n),
    "waits": lambda n: "Wait. " * (1000 * n),
    "numbers": lambda n: "is 1,2,3,4,5 " * (150 * n),
    "controls": lambda n: "\x00\ud800 = 42\u2028" * (200 * n),
    "spaces": lambda n: "answer" + " " * (3000 * n) + "is" + " " * (3000 * n),
    "new lines": lambda n: "\n" * (5000 * n) + "= 4",
}


def cost_s(text: str, grader: str, pool: Pool) -> float:
    """CPU time of all that is measured of a thinking, without the graders' processes, which have a limit of their own."""
    begin = time.process_time()
    gold = "42" if grader == "expression" else LETTERS
    first_correct([stated(grader, text, problem="What is $6 \\cdot 7$?", gold=gold)], pool=pool)
    changes(text)
    steps_of(text)
    demo_offsets().counts(sample_of(text), [1, 100], within=len(text))
    return time.process_time() - begin


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HARM)
@pytest.mark.parametrize("grader", ["expression", "choice"])
def test_replies_that_mean_harm_cost_as_much_as_they_are_long(name, grader, pool):
    """Five times the text may cost ten times as much: what grows with the square of the length costs 25 times as much."""
    cost_s("The answer is 5.", grader, pool)  # what is imported or read once
    # What else a machine does is in the CPU time, too; what is too dear is so each time.
    tries = ([cost_s(HARM[name](n), grader, pool) for n in (4, 20)] for _ in range(3))
    assert any(long < max(0.3, 10 * short) for short, long in tries)


def test_a_statement_that_stops_the_grader_is_wrong_and_counted():
    slow = "\\boxed{" + "+".join(f"\\int_0^{{{n}}} x^{{{n}}} dx" for n in range(2, 9)) + "}"
    with Pool(1) as small:
        statements = stated("expression", slow, problem="", gold="\\sqrt{2}x", limit_s=0.5)
        places, stopped = first_correct([statements], pool=small)
    assert places == [None] and stopped in (0, 1)


# ---- whole runs


def a_run(problems: list[RunProblem], *, model: str = "org/model", task: str = "r1_math_500", n: int = 0) -> Run:
    return Run(model, "somewhere", {}, {}, {task: TaskRun(task, 1, "d", "p", problems, n=n)})


def a_problem(
    name: str, *replies: str, grader: str = "expression", outcome: str | None = "correct", **groups: str
) -> RunProblem:
    samples = [sample_of(reply, index=at, outcome=outcome) for at, reply in enumerate(replies)]
    return RunProblem(f"id-{name}", name, f"What is asked in {name}?", "42", grader, groups, samples)


@pytest.fixture
def words(tmp_path) -> str:
    """A folder with the tokenizer that splits at spaces."""
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    words_tokenizer().save(str(folder / "tokenizer.json"))
    return str(folder)


RIGHT, LONG = "It is = 42 </think> 42", "a b c d e f = 42 </think> 42"


def test_levels_subjects_and_the_whole_are_measured_and_what_was_counted_is_said(words):
    run = a_run(
        [a_problem("a", RIGHT, level="1", subject="Algebra"), a_problem("b", LONG, level="2", subject="Algebra")]
    )
    found = measure_runs(["run"], [run], choice=Choice(tokenizer=words))
    lines = {words: cells for words, _, cells in task_lines(found.tasks[0])}
    # T: 4 and 8, so 6 with the error 2, and Student's quantile of one degree 12.7; reached by all
    assert lines["all"][:3] == ["2", "2", "6.0 (0–31)"] and lines["level 1"][2] == "4.0 (–)"
    assert lines["subject Algebra"] == lines["all"]
    assert found.notes[0] == f"Tokens of run by the tokenizer of {words}: 2 tokenized anew, as no ids were kept."


def test_programs_are_measured_without_what_needs_a_stated_answer(words):
    run = a_run([a_problem("a", "Wait, x = 42 </think> code", grader="program")], task="r1_lcb")
    found = measure_runs(["run"], [run], choice=Choice(tokenizer=words))
    (whole,) = found.tasks[0].whole
    known = {name for name, each in whole.measures.items() if each is not None}
    assert known == {"tokens", "thoughts", "accuracy"}
    assert whole.measures["thoughts"].value == 1
    assert any("does not apply to r1_lcb (program)" in note for note in found.notes)
    assert task_lines(found.tasks[0])[0][2][-3:] == ["–", "–", "–"]


def test_what_is_left_out_is_said(words):
    problems = [a_problem(f"p{n}", RIGHT, LONG, level=str(n % 2)) for n in range(4)]
    found = measure_runs(["run"], [a_run(problems)], choice=Choice(tokenizer=words, max_tokens=5, per_level=1))
    assert found.tasks[0].whole[0].n_replies == 2
    assert "Left out: 2 of 4 replies whose thinking is longer than 5 tokens (--max-tokens)." in found.notes
    assert "Left out: 2 of 4 problems, all but the first 1 of each level (--per-level)." in found.notes


def test_cut_off_replies_and_those_that_do_not_think_are_counted(words):
    run = a_run([a_problem("a", "no end = 42", RIGHT)])
    found = measure_runs(["run"], [run], choice=Choice(tokenizer=words))
    assert "1 of 2 replies were cut off in their thinking: their T is a lower bound." in found.notes
    plain = dataclasses.replace(sample_of("= 42"), thinking_opened=False)
    run = a_run([dataclasses.replace(a_problem("a"), samples=[plain])])
    found = measure_runs(["run"], [run], choice=Choice(tokenizer=words))
    assert "1 of 1 replies do not think: their T is 0, and they reach nothing in it." in found.notes


def test_owed_and_ungraded_samples_refuse_the_measures_unless_partial(words):
    run = a_run([a_problem("a", RIGHT), a_problem("b", RIGHT, outcome=None)], n=2)
    with pytest.raises(OwedError, match=r"3 samples are owed or ungraded, first a\[1\] \(not drawn\)"):
        measure_runs(["run"], [run], choice=Choice(tokenizer=words))
    found = measure_runs(["run"], [run], choice=Choice(tokenizer=words, partial=True))
    assert found.tasks[0].whole[0].n_replies == 1
    assert "Partial: 3 samples are owed or ungraded and in no measure." in found.notes


def test_several_tasks_are_also_told_together(words):
    run = a_run([a_problem("a", RIGHT)])
    tasks = run.tasks | a_run([a_problem("b", LONG)], task="r1_aime24").tasks
    found = measure_runs(["run"], [dataclasses.replace(run, tasks=tasks)], choice=Choice(tokenizer=words))
    assert found.means[0].measures["tokens"].value == 6 and found.means[0].n_problems == 2


def test_a_report_asks_the_hub_for_no_tokenizer_that_was_not_named(monkeypatch):
    asked = []

    def out_of_reach(*address):
        asked.append(address)
        raise OSError("out of reach")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("socket.getaddrinfo", out_of_reach)
    found = for_report(["run"], [a_run([a_problem("a", RIGHT)], model="org/nowhere")], tokenizer="", partial=False)
    assert "there is no tokenizer of org/nowhere here" in found.notes[0] and not asked


def test_a_report_without_a_tokenizer_says_what_to_do(words):
    found = for_report(["run"], [a_run([a_problem("a", RIGHT)], model="/nowhere")], tokenizer="", partial=False)
    assert found.tasks == [] and "with --tokenizer" in found.notes[0]
    assert for_report(["run"], [a_run([a_problem("a", RIGHT)])], tokenizer=words, partial=False).tasks
