"""Where thinking ends: the table of marks held against vLLM's own parsers, marks in token ids, and who chooses them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.graders import EXPRESSION
from lighteval_r1.graders.answers import NoAnswer
from lighteval_r1.graders.marks import ALL, AUTO, NONE, PARSERS, THINK, TOKEN, Chosen, choose, opens_thinking
from lighteval_r1.graders.splitting import Split, parts_of, split_of
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun, UserError, pack_token_ids
from lighteval_r1.runs import grading
from lighteval_r1.runs.pairing import differences

MARKED = Path(__file__).with_name("marked_model")
ALL_TOKENS = [token for marks in ALL for token in marks.tokens]


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MARKED)
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [t for t in ALL_TOKENS if t not in tokenizer.get_vocab()]}
    )
    return tokenizer


def drawn(tokenizer, text: str, **fields) -> Sample:
    """A reply as vLLM hands it over: these tokens, and their text without special ones."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    reply = tokenizer.decode(ids, skip_special_tokens=True)
    fields = {"finish_reason": "stop", "n_tokens": len(ids), "token_ids": pack_token_ids(ids)} | fields
    return Sample("k", "p", 0, None, reply, **fields)


def divided(tokenizer, text: str, parser: str, *, budget: int | None = None, **fields) -> Sample:
    chosen = choose(parser, vocabulary=frozenset(tokenizer.get_vocab()))
    return Divider(chosen, tokenizer, budget).divided(drawn(tokenizer, text, **fields))


# What each family's replies look like: a thought and an answer, in its own marks.
def begun(parser: str) -> str:
    return PARSERS[parser].opening + "\nso 1 + 2"


def whole(parser: str) -> str:
    marks = PARSERS[parser]
    closing = {
        "openai_gptoss": "<|end|><|start|>assistant",
        "inkling": "<|end_message|><|message_model|>",
        "muse_glimmer": "<|eom|><|start|>assistant ",
    }
    wrapped = {"kimi_k3": "<|open|>response<|sep|>7<|close|>response<|sep|>"}.get(parser, "7".join(marks.answer))
    return begun(parser) + closing.get(parser, "") + marks.ending + (wrapped or "7")


@pytest.mark.parametrize("parser", PARSERS)
def test_a_familys_replies_are_divided_by_its_marks(tokenizer, parser):
    for text, opened in ((whole(parser), False), (whole(parser).removeprefix(PARSERS[parser].opening), True)):
        sample = divided(tokenizer, text, parser, thinking_opened=opened)
        thinking, answer = parts_of(sample)
        assert (thinking.strip(), answer.strip()) == ("so 1 + 2", "7")
        assert 4 <= sample.n_thinking_tokens <= 8 and sample.marks
        cut = divided(tokenizer, begun(parser), parser, finish_reason="length")
        assert parts_of(cut)[1] is None
    unopened = divided(tokenizer, "so 7", parser)
    assert (parts_of(unopened), unopened.n_thinking_tokens) == (("", "so 7"), 0)


# What vLLM's parsers cannot be built with here, and those that name no marks of their own.
UNBUILT = {"mistral", "olmo3", "poolside_v1"}
UNNAMED = {"deepseek_v3", "granite", "hunyuan_a13b", "minimax_m2_append_think", "muse_glimmer", "openai_gptoss"}
# hy_v3 and poolside_v1 do not think unless a template's argument says so: for them every thought has ended.
SWITCHED = {"hy_v3"}


def test_the_table_is_that_of_the_installed_vllm(tokenizer, monkeypatch):
    monkeypatch.setenv("VLLM_TARGET_DEVICE", "cpu")
    from vllm.reasoning import ReasoningParserManager

    assert set(ReasoningParserManager.list_registered()) - {"identity"} == {*PARSERS, "hf"}
    unbuilt, unnamed = set(), set()
    for name, marks in PARSERS.items():
        try:
            parser = ReasoningParserManager.get_reasoning_parser(name)(tokenizer)
        except (ValueError, RuntimeError, KeyError):
            unbuilt.add(name)
            continue
        start, end = parser.reasoning_start_str, parser.reasoning_end_str
        if not start:
            unnamed.add(name)
            continue
        assert marks.opening.startswith(start), name
        assert marks.ending == end or end in marks.headers.pattern.replace("\\", ""), name
        for text in (whole(name), begun(name), whole(name).removeprefix(marks.opening)):
            if name in SWITCHED:
                continue
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            ours = divided(tokenizer, text, name, thinking_opened=not text.startswith(marks.opening))
            assert parser.is_reasoning_end(ids) == (split_of(ours).answer is not None), (name, text)
    assert (unbuilt, unnamed) == (UNBUILT, UNNAMED)


@pytest.mark.parametrize(
    ("text", "opened", "thinking", "answer"),
    [
        ("<think>a</think>7", False, "a", "7"),
        ("a</think>7", True, "a", "7"),
        ("<think></think>7", False, "", "7"),
        ("<think>a<think>b</think>c</think>7", False, "a<think>b</think>c", "7"),
        # the last end mark counts; a second thought that was not ended hides no answer before it
        ("<think>a</think>b</think>7", False, "a</think>b", "7"),
        ("<think>a</think>\\boxed{7}\n<think>b", False, "a", "\\boxed{7}\n"),
        ("</think>7", False, "", "7"),
        ("<think>a", False, "a", None),
        ("7", False, "", "7"),
    ],
)
def test_pairs_of_marks(tokenizer, text, opened, thinking, answer):
    for parser, begin, end in (("qwen3", "<think>", "</think>"), ("seed_oss", "<seed:think>", "</seed:think>")):
        own = text.replace("<think>", begin).replace("</think>", end)
        sample = divided(tokenizer, own, parser, thinking_opened=opened)
        # special tokens, as seed's are, do not stand in the text
        shown = thinking if parser == "qwen3" else thinking.replace("<think>", "").replace("</think>", "")
        assert parts_of(sample) == (shown, answer)


def test_letters_that_spell_a_mark_are_no_mark_where_it_is_a_token(tokenizer):
    spelled = "".join(["<thi", "nk>a</th", "ink>\\boxed{6}"])
    pieces = [
        tokenizer(piece, add_special_tokens=False)["input_ids"] for piece in ("<thi", "nk>a</th", "ink>\\boxed{6}")
    ]
    opening = tokenizer.convert_tokens_to_ids("<think>")
    ids = [opening, *(token for piece in pieces for token in piece)]
    sample = Sample("k", "p", 0, None, "<think>" + spelled, finish_reason="length", token_ids=pack_token_ids(ids))
    chosen = choose("qwen3", vocabulary=frozenset(tokenizer.get_vocab()))
    assert parts_of(Divider(chosen, tokenizer).divided(sample))[1] is None
    assert parts_of(sample)[1] == "\\boxed{6}", "by the whole table the letters are all there is"


def test_the_mark_as_models_misspell_it_ends_a_thought_too(tokenizer):
    sample = divided(tokenizer, "<think>a<\\think>7", "qwen3")
    assert parts_of(sample) == ("a", "7")


def test_channels_analysis_is_thinking_final_is_the_answer_commentary_is_neither(tokenizer):
    text = (
        "<|channel|>analysis<|message|>one<|end|><|start|>assistant"
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
        "<|start|>assistant<|channel|>analysis<|message|>two<|end|><|start|>assistant"
    )
    final = "<|channel|>final<|message|>\\boxed{7}<|return|>"
    sample = divided(tokenizer, text + final, "openai_gptoss")
    assert parts_of(sample) == ("onetwo", "\\boxed{7}")
    assert sample.n_thinking_tokens == sum(len(tokenizer(word)["input_ids"]) for word in ("one", "two"))
    asked = divided(tokenizer, text, "openai_gptoss", finish_reason="length")
    assert (parts_of(asked)[1], EXPRESSION.grade(EXPRESSION.answer_text(asked), "7").step) == ("", NoAnswer.CUT_OFF)
    never = divided(tokenizer, "<|channel|>analysis<|message|>\\boxed{7}<|return|>", "openai_gptoss")
    assert parts_of(never)[1] is None, "a turn that ends in a thought did not end it"
    # without its special tokens, as a server's text may come
    bare = Divider(choose("openai_gptoss")).divided(Sample("k", "p", 0, None, "analysisWe add.assistantfinal7"))
    assert parts_of(bare)[1] == "7" and bare.n_thinking_tokens is None


def test_a_reply_cut_off_in_a_second_thought_has_no_answer(tokenizer):
    text = "<think></think><think>maybe \\boxed{6}"
    assert parts_of(divided(tokenizer, text, "qwen3", finish_reason="length"))[1] is None
    assert parts_of(divided(tokenizer, text, "qwen3"))[1] == "maybe \\boxed{6}", "ended by itself: a stray mark"


def test_a_budget_forces_an_end(tokenizer):
    """A budget of 0, after which the model thinks on, up to an end of its own: its last end mark counts."""
    forced = divided(tokenizer, "<think>1 + 2</think>", "qwen3", budget=3)
    assert split_of(forced).forced and not EXPRESSION.answer_text(forced).in_thinking
    natural = divided(tokenizer, "<think>\\boxed{3}</think>", "qwen3", budget=400)
    assert not split_of(natural).forced and EXPRESSION.answer_text(natural).in_thinking
    on = divided(tokenizer, "<think></think>\\boxed{6}, no.\n</think>\\boxed{7}", "qwen3", budget=0)
    assert EXPRESSION.grade(EXPRESSION.answer_text(on), "7").outcome is Outcome.CORRECT
    assert on.n_thinking_tokens > 3


def test_replies_and_ids_stay_as_they_were_drawn(tokenizer):
    sample = drawn(tokenizer, whole("seed_oss"))
    chosen = choose("seed_oss", vocabulary=frozenset(tokenizer.get_vocab()))
    read = Divider(chosen, tokenizer).divided(sample)
    assert replace(read, marks="", split=None, n_thinking_tokens=None) == sample
    assert Divider(Chosen(), tokenizer).divided(read) == sample, "another parser takes nothing of the last one's"


def test_ids_that_do_not_spell_the_reply_leave_its_text(tokenizer):
    sample = replace(drawn(tokenizer, "<seed:think>a</seed:think>7"), reply="<seed:think>b</seed:think>8")
    chosen = choose("seed_oss", vocabulary=frozenset(tokenizer.get_vocab()))
    assert parts_of(Divider(chosen, tokenizer).divided(sample)) == ("b", "8")


def test_what_is_packed_is_unpacked():
    for split in (
        Split((), ((0, 7),)),
        Split(((0, 7), (9, 20)), None),
        Split(((7, 7),), ((8, 9), (11, 12)), forced=True),
        Split(((0, 1),), ()),
    ):
        assert Split.unpacked(split.packed()) == split


def test_no_parser_makes_a_reply_an_answer_as_a_whole(tokenizer):
    sample = divided(tokenizer, "<think>\\boxed{1}", NONE, finish_reason="length")
    assert parts_of(sample) == ("", "<think>\\boxed{1}")


# Who chooses


def test_auto_goes_by_architecture_template_and_vocabulary(tokenizer):
    vocabulary = frozenset({"<think>", "</think>", "a"})
    assert choose(AUTO, model_type="qwen3_moe", vocabulary=vocabulary).parser == "qwen3"
    assert choose(AUTO, model_type="qwen3", vocabulary=frozenset("a")).parser == "", "a base without the marks"
    assert choose(AUTO, model_type="llama", vocabulary=vocabulary).tokens
    text = choose(AUTO, model_type="qwen2", template="…<think>\n", vocabulary=frozenset("a"))
    assert (text.marks, text.tokens) == (THINK, False) and "no single tokens" in str(text)
    assert choose(AUTO, vocabulary=frozenset("a")).key == "" and choose(AUTO).key == ""
    assert choose("qwen3").key == choose("deepseek_r1").key != choose("hunyuan_a13b").key
    from transformers import AutoTokenizer

    demo = AutoTokenizer.from_pretrained(DEMO_MODEL)
    chosen = choose(AUTO, model_type="qwen2", template=demo.chat_template, vocabulary=frozenset(demo.get_vocab()))
    assert (chosen.marks, chosen.tokens) == (THINK, False)


def test_marks_of_two_families_beside_each_other_are_a_question():
    both = frozenset({"<think>", "</think>", "[THINK]", "[/THINK]"})
    with pytest.raises(UserError, match=r"2 families .*\(deepseek_r1, mistral\).*--reasoning-parser"):
        choose(AUTO, vocabulary=both)
    assert choose(AUTO, template="[THINK] … [/THINK]", vocabulary=both).parser == "mistral"
    assert choose(AUTO, model_type="mistral3", vocabulary=both).parser == "mistral"
    assert choose("qwen3", vocabulary=both).parser == "qwen3"
    harmony = frozenset({"<|channel|>", "<|message|>", "<|start|>", "<|end|>"})
    assert choose(AUTO, vocabulary=harmony).parser == "openai_gptoss", "Muse's marks are a part of these"


def test_a_prompt_that_opens_a_thought_is_known_by_all_marks():
    assert opens_thinking("…<think>\n") and opens_thinking("…<|open|>think<|sep|>") and opens_thinking("…[THINK]")
    assert not opens_thinking("…<think>\n\n</think>\n\n")


@pytest.mark.parametrize(
    ("command", "option", "words"),
    [
        ("evaluate", "--reasoning-parser=qwen", "there is no reasoning parser 'qwen'. Nearest: qwen3"),
        ("endpoint aime24 --model m", "--reasoning-parser=qwen", "there is no reasoning parser 'qwen'"),
        ("submit m", "--reasoning-parser=qwen", "there is no reasoning parser 'qwen'"),
        ("score f.jsonl --task r1_aime24", "--reasoning-parser=qwen", "there is no reasoning parser 'qwen'"),
        ("evaluate", "--end-loops=64", "end_loops '64' is not SIZE,COUNT"),
    ],
)
def test_a_parser_or_a_loop_that_nobody_knows_is_one_line(command, option, words, tmp_path):
    (tmp_path / "f.jsonl").write_text('{"problem": "1?", "answer": "1", "reply": "1"}\n')
    call = [sys.executable, "-m", "lighteval_r1.cli", *command.split(), option]
    run = subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path)
    (line,) = run.stderr.splitlines()
    assert run.returncode == 2 and words in line


# Replies that were drawn elsewhere

FAMILIES = {marks.opening: marks for marks in reversed(ALL)}


def replies_of(marks, *, opened: bool) -> tuple[str, str]:
    """A reply cut off in its thought, which holds the right answer, and its finished twin."""
    thought = ("" if opened else marks.opening) + "\nWe get \\boxed{42}. Hmm, wait"
    return thought, f"{thought}, yes.\n{marks.ending}\n\nThe answer is $\\boxed{{42}}$."


def test_replies_cut_off_in_their_thought_are_wrong_and_their_finished_twins_right(tmp_path):
    pairs = [(opened, *replies_of(marks, opened=opened)) for marks in FAMILIES.values() for opened in (False, True)]
    assert len(FAMILIES) >= 12 and len(pairs) >= 18
    files = {}
    for name, at, finish_reason in (("cut", 1, "length"), ("cut_unsaid", 1, None), ("finished", 2, "stop")):
        rows = [
            {
                "problem": f"{number}?",
                "answer": "42",
                "gen": pair[at],
                "thinking_opened": pair[0],
                "finish_reason": finish_reason,
            }
            for number, pair in enumerate(pairs)
        ]
        files[name] = tmp_path / f"{name}.jsonl"
        files[name].write_text("".join(json.dumps(row) + "\n" for row in rows))
    table = grading.run(list(files.values()), task="r1_math_500")
    correct = {line.split()[1].removesuffix(".jsonl"): line.split()[2] for line in table.splitlines()[2:5]}
    assert correct == {"cut": "0.0", "cut_unsaid": "0.0", "finished": "100.0"}
    assert table.count(f"{len(pairs)} cut off") == 2


def test_score_divides_by_the_parser_that_is_said(tmp_path, capsys):
    file = tmp_path / "r.jsonl"
    row = {"problem": "?", "answer": "42", "gen": "[THINK]a</think>\\boxed{42}", "finish_reason": "length"}
    file.write_text(json.dumps(row))
    assert " 100.0 " in grading.run([file], task="r1_math_500")
    assert " 0.0 " in grading.run([file], task="r1_math_500", reasoning_parser="mistral")
    line = json.loads((tmp_path / "r.jsonl.grades.jsonl").read_text())
    assert (line["marks"], line["split"]) == ("[THINK] … [/THINK]", "7:26")
    capsys.readouterr()
    grading.run([file], task="r1_math_500", reasoning_parser="seed_oss")
    assert "no reply holds <seed:think> … </seed:think>" in capsys.readouterr().err


def test_compare_says_that_thinking_was_told_otherwise():
    def run(marks: str) -> Run:
        problem = RunProblem("p", samples=[Sample("k", "p", 0, None, "a", marks=marks)])
        return Run("m", "", {"model": "m"}, {}, {"t": TaskRun.of_problems("t", [problem], version=2, n=1)})

    def words(first: str, second: str) -> list[str]:
        one, other = run(first), run(second)
        return list(differences(one, other, [(one.tasks["t"], other.tasks["t"])]))

    assert words("<think> … </think>", "none") == ["t: marks of thinking <think> … </think> -> none"]
    assert words("", "none") == words("none", "none") == []


def test_every_token_of_the_table_is_one():
    assert all(TOKEN.fullmatch(token) for token in ALL_TOKENS)
