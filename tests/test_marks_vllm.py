"""Real vLLM with a model of four families' marks (see train_marked): whole, cut-off, empty, nested and budgeted replies.

One server serves all cases: by /v1/completions with the tokens that were drawn, as a replica of ours hands them over, and as a
chat, whose thinking comes apart.
"""

import asyncio
import json
import urllib.request
from pathlib import Path

import pytest
from endpoint_run import engine_for
from vllm_server import VllmServer

from lighteval_r1.engines import Owed
from lighteval_r1.graders import EXPRESSION
from lighteval_r1.graders.answers import NoAnswer, reason_of
from lighteval_r1.graders.marks import NONE, PARSERS, choose, opens_thinking
from lighteval_r1.graders.splitting import parts_of, split_of
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.records import Outcome, Problem, Sample, pack_token_ids
from lighteval_r1.tasks import TASKS

pytestmark = pytest.mark.timeout(300)
MARKED = Path(__file__).with_name("marked_model")
PARSER = {"think": "qwen3", "seed": "seed_oss", "granite": "granite", "harmony": "openai_gptoss"}
# What ends each family's thought, in a text that shows all tokens.
ENDS = {
    "think": "</think>",
    "seed": "</seed:think>",
    "granite": "Here is my response:",
    "harmony": "<|channel|>final<|message|>",
}
SUMS = [
    problem for row in TASKS["demo_sums"].rows() if row["level"] == 1 for problem in [TASKS["demo_sums"].problem(row)]
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = VllmServer(tmp_path_factory.mktemp("marked") / "log", model=MARKED, more=["--reasoning-parser", "qwen3"])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(MARKED)


@pytest.fixture(scope="module")
def draw(server, tokenizer):
    """(problem, marks, effort or switch, fields of the request) -> the reply as drawn."""

    def drawn(problem: Problem, marks: str, *, template: dict, **fields) -> Sample:
        messages = [{"role": "user", "content": problem.prompt}]
        prompt = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, marks=marks, **template
        )
        body = {"model": "demo", "prompt": tokenizer(prompt, add_special_tokens=False)["input_ids"], "temperature": 0}
        body |= {"max_tokens": 200, "return_token_ids": True, **fields}
        request = urllib.request.Request(
            f"{server.url}/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            (choice,) = json.load(response)["choices"]
        ids = choice["token_ids"]
        return Sample(
            "k", problem.id, 0, 0, choice["text"], opens_thinking(prompt), choice["finish_reason"],
            n_tokens=len(ids), token_ids=pack_token_ids(ids),
        )  # fmt: skip

    return drawn


def divided(sample: Sample, parser: str, tokenizer, *, budget: int | None = None) -> Sample:
    chosen = choose(parser, vocabulary=frozenset(tokenizer.get_vocab()))
    return Divider(chosen, tokenizer, budget).divided(sample)


def shown(sample: Sample, tokenizer) -> str:
    from lighteval_r1.records import unpack_token_ids

    return tokenizer.decode(unpack_token_ids(sample.token_ids).tolist()).removesuffix("<|return|>")


def plain(text: str, tokenizer) -> str:
    """Without special tokens."""
    for token in tokenizer.all_special_tokens:
        text = text.replace(token, "")
    return text


@pytest.mark.parametrize("effort", ["high", "low", "empty", "nested"])
@pytest.mark.parametrize("marks", PARSER)
def test_a_finished_reply_is_split_counted_and_graded_as_its_marks_say(draw, tokenizer, marks, effort):
    right = 0
    for problem in SUMS[:4]:
        drawn = draw(problem, marks, template={"reasoning_effort": effort})
        assert drawn.finish_reason == "stop"
        sample = divided(drawn, PARSER[marks], tokenizer)
        thinking, _, answer = shown(drawn, tokenizer).rpartition(ENDS[marks])
        assert parts_of(sample)[1] == answer and "\\boxed" in answer
        grade = EXPRESSION.grade(EXPRESSION.answer_text(sample), problem.gold)
        assert grade.outcome is EXPRESSION.grade_reply(answer, problem.gold).outcome
        right += grade.outcome is Outcome.CORRECT
        # marks that are special tokens do not stand in the reply
        assert marks in ("think", "granite") or ENDS[marks] not in drawn.reply
        bare = parts_of(sample)[0].replace("<think>", "").replace("</think>", "")
        expected = plain(thinking, tokenizer).replace("<think>", "").replace("</think>", "")
        if marks in ("think", "seed"):
            assert bare == expected
            assert sample.n_thinking_tokens == len(tokenizer(expected)["input_ids"])
        assert (sample.n_thinking_tokens == 0) == (not bare)
    assert effort != "high" or right, "the model adds small numbers"


@pytest.mark.parametrize("marks", PARSER)
def test_a_reply_that_is_cut_off_in_its_thought_has_no_answer(draw, tokenizer, marks):
    for n in (3, 9, 14):
        drawn = draw(SUMS[0], marks, template={}, max_tokens=n)
        assert drawn.finish_reason == "length" and ENDS[marks] not in shown(drawn, tokenizer)
        sample = divided(drawn, PARSER[marks], tokenizer)
        grade = EXPRESSION.grade(EXPRESSION.answer_text(sample), SUMS[0].gold)
        assert (grade.outcome, reason_of(grade.step)) == (Outcome.NO_ANSWER, NoAnswer.CUT_OFF)
        begun = PARSERS[PARSER[marks]].opening in shown(drawn, tokenizer)
        assert begun == (split_of(sample).answer is None) and sample.n_thinking_tokens <= n
    assert begun, "the last one is cut off within its thought"


def test_a_template_that_turns_thinking_off_leaves_an_answer(draw, tokenizer):
    drawn = draw(SUMS[0], "think", template={"enable_thinking": False})
    sample = divided(drawn, "qwen3", tokenizer)
    assert not drawn.thinking_opened and parts_of(sample) == ("", drawn.reply) and sample.n_thinking_tokens == 0
    assert divided(drawn, NONE, tokenizer).split == sample.split


@pytest.mark.parametrize("budget", [0, 5])
def test_a_thought_that_a_budget_ended_is_no_answer_and_what_comes_after_is(draw, tokenizer, budget):
    """With 0 the model may think on behind the mark; its last end mark counts."""
    for problem in SUMS[:4]:
        drawn = draw(problem, "think", template={}, thinking_token_budget=budget)
        sample = divided(drawn, "qwen3", tokenizer, budget=budget)
        text = shown(drawn, tokenizer)
        assert text.count("</think>") >= 1 and parts_of(sample)[1] == text.rpartition("</think>")[2]
        first = text.partition("</think>")[0].removeprefix("<think>")
        assert len(tokenizer(first)["input_ids"]) <= budget + 1
        assert split_of(sample).forced
        assert not EXPRESSION.answer_text(sample).in_thinking


def test_a_loop_is_its_own_reason(draw, tokenizer):
    detection = {"max_pattern_size": 32, "min_pattern_size": 1, "min_count": 4}
    drawn = draw(SUMS[0], "think", template={}, ignore_eos=True, repetition_detection=detection, max_tokens=600)
    assert drawn.finish_reason == "repetition" and drawn.n_tokens < 600
    sample = divided(drawn, "qwen3", tokenizer)
    grade = EXPRESSION.grade(EXPRESSION.answer_text(sample), "-1")
    assert grade.step.startswith(NoAnswer.LOOPING) or grade.outcome is Outcome.WRONG


def test_through_its_server_thinking_comes_apart_and_a_cut_off_thought_stays_one(server):
    def asked(max_tokens: int, **fields) -> Sample:
        engine = engine_for(server.url, model="demo", chosen=choose("qwen3"))
        engine.settings.extra.update({"max_tokens": max_tokens, "temperature": 0, **fields})

        async def drawn() -> Sample:
            await engine.start()
            try:
                return await engine.draw(Owed("k", SUMS[0], 0, 7), replica=0)
            finally:
                await engine.stop()

        return Divider(engine.chosen, budget=fields.get("thinking_token_budget")).divided(asyncio.run(drawn()))

    whole, cut, budgeted = asked(200), asked(9), asked(200, thinking_token_budget=0)
    assert parts_of(whole)[0].strip() and "\\boxed" in parts_of(whole)[1] and whole.finish_reason == "stop"
    assert cut.finish_reason == "length" and parts_of(cut)[1] is None
    assert EXPRESSION.grade(EXPRESSION.answer_text(cut), SUMS[0].gold).step == NoAnswer.CUT_OFF
    assert parts_of(budgeted)[1] is None or parts_of(budgeted)[1] == budgeted.reply.rpartition("</think>")[2]
    unthought = asked(200, chat_template_kwargs={"enable_thinking": False})
    assert "\\boxed" in unthought.reply


@pytest.mark.parametrize(
    ("told", "effect"),
    [
        ("enable_thinking=false", "changes the prompt"),
        ("reasoning_effort=high", "is what the template does anyway"),
        # marks that the server's parser does not know, and leaves out
        ("marks=seed", "changes the prompt"),
    ],
)
def test_its_server_is_looked_at(server, main, told, effect):
    """It was trained on sums, so that a sentence about whatever it likes may end within its thought: that is seen, too."""
    code, out, err = main("sane", server.url, "--max-tokens", "512", "--template-arg", told)
    first, second, *rest = out.splitlines()
    assert first == f"ok        template        {told} {effect}", out + err
    assert second.split()[1] == "thinking" and code == (2 if second.startswith("wrong") else 0), out + err
    assert all(line.startswith("ok ") for line in rest if "  seeds  " not in line), out
