"""The endpoint engine against a stand-in server that fails in every way we know; runs that are killed."""

import asyncio
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
import soak
from endpoint_run import PROBLEMS, engine_for, evaluate, last_seed
from stand_in import InThread, StandIn, thought_and_answer

from lighteval_r1.cli.ask import DIM, PLAIN, Screen
from lighteval_r1.cli.endpoint import EndpointOptions, address_of, endpoint_command, extra_fields, settings_of
from lighteval_r1.engines import Owed
from lighteval_r1.engines.server_facts import Served
from lighteval_r1.graders import EXPRESSION
from lighteval_r1.graders.marks import choose
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.outside.retries import retry_after_s
from lighteval_r1.records import EngineError, Outcome, UserError, seed_of
from lighteval_r1.sampling.journal_files import decode_line

# The real server of test_endpoint_vllm.py and LightEval take most of a minute to come up: meanwhile these run.
pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("vllm_server", "warm")]
HERE = Path(__file__).parent
N_KILLS = soak.count("endpoint-kills")
# Samples of each problem in the run that is killed: enough for a kill at every few.
N_SAMPLES = max(10, N_KILLS // 8)
N = len(PROBLEMS) * N_SAMPLES
FAULTS = [
    "http 500",
    "http 503 1",
    "http 429 1",
    "http 408",
    "http 409",
    "dropped",
    "garbage",
    "stall 30",
    "ends early",
    "error event",
    "abort",
    "no stream",
]


def lines_of(cache_dir: Path) -> list[bytes]:
    return [line for file in sorted(cache_dir.rglob("samples-*.jsonl")) for line in file.read_bytes().splitlines(True)]


def samples_of(cache_dir: Path) -> list[dict]:
    return [record for line in lines_of(cache_dir) if (record := decode_line(line))]


def draw_one(engine, *, prompt_of=PROBLEMS[0], seed: int = 7):
    async def drawn():
        await engine.start()
        try:
            return await engine.draw(Owed("key", prompt_of, 0, seed), replica=0)
        finally:
            await engine.stop()

    return asyncio.run(drawn())


def first_try_fails(fault: str):
    """Spoils the first request of every seed."""
    seen = set()

    def spoil(i: int, body: dict) -> str:
        first = body["seed"] not in seen
        seen.add(body["seed"])
        return fault if first else ""

    return spoil


def score_of(prompt: str, seed: int, gold: str) -> float:
    """What a sample is worth, without the engine."""
    thought, answer = thought_and_answer(prompt, seed)
    return EXPRESSION.grade_reply(f"<think>{thought}</think>{answer}", gold).outcome.score


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_the_sample_is_drawn_in_the_end_once_and_whole(fault, tmp_path):
    server = StandIn(spoil=first_try_fails(fault))
    with InThread(server.app()) as url:
        # of a busy machine no other reply stands still as long
        engine = engine_for(url, stall_s=3.0 if fault.startswith("stall") else 60.0)
        work = asyncio.run(evaluate(engine, tmp_path, problems=PROBLEMS[:4], n=2))
    records = samples_of(tmp_path)
    assert len(records) == 8 and len({record["key"] for record in records}) == 8
    assert len(server.requests) == 16, "each was tried twice"
    for problem in work.result().problems:
        for sample in problem.samples:
            thought, answer = thought_and_answer(problem.prompt, sample.seed)
            assert sample.reply == f"<think>{thought}</think>{answer}"
            assert sample.outcome.score == score_of(problem.prompt, sample.seed, problem.gold)


def test_a_stall_shorter_than_the_time_out_is_waited_out(tmp_path):
    server = StandIn(spoil=lambda i, body: "stall 0.4")
    with InThread(server.app()) as url:
        assert "boxed" in draw_one(engine_for(url, stall_s=5)).reply
    assert len(server.requests) == 1


def test_the_server_says_how_long_to_wait():
    server = StandIn(spoil=lambda i, body: "http 503 2" if i == 0 else "")
    with InThread(server.app()) as url:
        begin = time.monotonic()
        draw_one(engine_for(url))
        assert time.monotonic() - begin >= 2
    assert retry_after_s("2.5") == 2.5 and retry_after_s(None) == 0 and retry_after_s("soon") == 0
    assert 8 < retry_after_s(formatdate(time.time() + 10, usegmt=True)) <= 10
    assert retry_after_s(formatdate(time.time() - 10, usegmt=True)) == 0


@pytest.mark.parametrize("fault", ["http 400", "http 401", "http 403", "http 404", "http 422", "refusal event"])
def test_a_refusal_ends_the_run_at_once_and_the_journal_stays(fault, tmp_path):
    server = StandIn()
    with InThread(server.app()) as url:
        asyncio.run(evaluate(engine_for(url), tmp_path, problems=PROBLEMS[:2], n=2))
        before = lines_of(tmp_path)
        server.spoil = lambda i, body: fault
        with pytest.raises(UserError, match="injected|too long a prompt") as refused:
            asyncio.run(
                evaluate(engine_for(url, concurrency=4, give_up_after_s=1.0), tmp_path, problems=PROBLEMS[2:4], n=2)
            )
    assert "\n" not in str(refused.value)
    assert len(server.requests) <= 4 + 4, "a refused request was tried again"
    assert lines_of(tmp_path) == before and len(before) == 4
    assert sum(len(file.read_bytes().splitlines()) for file in tmp_path.rglob("grades-*.jsonl")) == 4


def test_a_run_says_how_far_it_is_while_no_reply_finishes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lighteval_r1.sampling.progress.LOG_EVERY_S", 0.2)
    server = StandIn(spoil=lambda i, body: "stall 1")
    with InThread(server.app()) as url:
        asyncio.run(evaluate(engine_for(url, concurrency=1), tmp_path, problems=PROBLEMS[:1], n=1))
    assert "0/1 samples, none finished for 0 min" in capsys.readouterr().err


def test_without_end_until_give_up_after(tmp_path):
    server = StandIn(spoil=lambda i, body: "http 500")
    with InThread(server.app()) as url, pytest.raises(EngineError, match="for 1 s .HTTP 500: injected 500"):
        asyncio.run(evaluate(engine_for(url, give_up_after_s=1.0), tmp_path, problems=PROBLEMS[:2], n=2))
    # one of the four was tried again
    assert len(server.requests) > 4 and not samples_of(tmp_path)


@pytest.mark.parametrize("form", ["reasoning_content", "reasoning"])
def test_thinking_that_the_server_sends_apart_is_kept_as_thinking(form):
    with InThread(StandIn(form=form).app()) as url:
        sample = draw_one(engine_for(url, thinking_opened=True))
    thought, answer = thought_and_answer(PROBLEMS[0].prompt, 7)
    assert sample.reply == f"<think>{thought}</think>{answer}" and not sample.thinking_opened
    assert sample.n_tokens == len(thought + answer) and sample.finish_reason == "stop"


def test_a_thought_that_was_cut_off_has_no_answer():
    from lighteval_r1.engines.streamed import StreamedReply

    reply = StreamedReply()
    reply.take({"choices": [{"delta": {"reasoning_content": "so \\boxed{1000}"}, "finish_reason": "length"}]})
    reply.check_complete()
    assert reply.text == "<think>so \\boxed{1000}"
    assert EXPRESSION.grade_reply(reply.text, "1000").outcome is Outcome.NO_ANSWER


def test_a_prompt_that_opened_the_thinking_shows_in_the_closing_tag_or_is_said():
    with InThread(StandIn(form="closing").app()) as url:
        assert draw_one(engine_for(url)).thinking_opened
        assert draw_one(engine_for(url, thinking_opened=True)).thinking_opened
        assert not draw_one(engine_for(url, thinking_opened=False)).thinking_opened
    with InThread(StandIn(form="tags").app()) as url:
        assert not draw_one(engine_for(url)).thinking_opened


def test_a_cut_off_thought_that_a_servers_parser_hands_over_as_content_is_no_answer():
    """As vLLM's gemma4, inkling and minimax_m3 do: cut off, where the model is known to think."""
    with InThread((server := StandIn(form="handed over")).app()) as url:
        named = engine_for(url, chosen=choose("gemma4"))
        seen, nobody_knows = engine_for(url), engine_for(url, chosen=choose("auto"))
        assert not draw_one(named).thinking_opened, "it ended by itself"
        server.finish_reason = "length"
        cut = draw_one(named)
        assert cut.thinking_opened and Divider(named.chosen).divided(cut).split.count("|") == 0
        assert not draw_one(seen).thinking_opened and not draw_one(nobody_knows).thinking_opened
        server.form = "reasoning"
        assert not draw_one(seen).thinking_opened
        server.form = "handed over"
        assert draw_one(seen).thinking_opened, "this model's thinking has come apart before"


def test_tokens_are_counted_here_where_the_server_does_not():
    def words(text: str, add_special_tokens: bool) -> dict:
        return {"input_ids": text.split()}

    with InThread(StandIn(usage=False).app()) as url:
        with pytest.raises(UserError, match="--tokenizer"):
            draw_one(engine_for(url))
        sample = draw_one(engine_for(url, tokenizer=words))
    assert (sample.n_prompt_tokens, sample.n_tokens) == (2, len(sample.reply.split()))


def test_every_sample_is_one_request_with_its_own_seed_and_another_port_keeps_what_exists(tmp_path):
    first, second = StandIn(), StandIn()
    with InThread(first.app()) as url:
        asyncio.run(evaluate(engine_for(url), tmp_path, problems=PROBLEMS[:3], n=2))
    with InThread(second.app()) as url:
        asyncio.run(evaluate(engine_for(url), tmp_path, problems=PROBLEMS[:3], n=4))
    assert len(first.requests) == 6 and len(second.requests) == 6
    records = samples_of(tmp_path)
    assert {body["seed"] for body in first.requests + second.requests} == {seed_of(r["key"]) for r in records}
    assert len(records) == len({record["seed"] for record in records}) == 12


def test_other_weights_under_the_same_name_draw_anew():
    options = EndpointOptions(base_url="http://127.0.0.1:1/v1", model="m")
    ids = {settings_of(replace(options, revision=said), Served("m", root=root)).id for said, root in
           [("", ""), ("", "/weights/step-100"), ("", "/weights/step-200"), ("step-300", "/weights/step-100")]}  # fmt: skip
    assert len(ids) == 4
    assert settings_of(replace(options, base_url="http://127.0.0.1:2/v1"), Served("m")).id in ids


def test_extra_fields_go_into_the_request_and_null_takes_one_out():
    engine = engine_for("http://127.0.0.1:1/v1")
    engine.settings = replace(engine.settings, extra=extra_fields('{"top_k": 20, "seed": null, "max_tokens": 99}'))
    body = engine.body(Owed("key", PROBLEMS[0], 0, 7))
    assert body["top_k"] == 20 and body["max_tokens"] == 99 and "seed" not in body
    for wrong in ("[1]", "{", '{"n": 4}'):
        with pytest.raises(UserError, match="--extra-body"):
            extra_fields(wrong)


def test_the_key_is_sent_and_written_nowhere(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("SOME_KEY", "sk-very-secret-1")
    key = address_of("http://127.0.0.1:1/v1", api_key_env="SOME_KEY").api_key
    server = StandIn(spoil=lambda i, body: "http 500" if i < 3 else "")
    with InThread(server.app()) as url:
        engine = engine_for(url, key=key, give_up_after_s=5.0)
        asyncio.run(evaluate(engine, tmp_path, problems=PROBLEMS[:2], n=2))
        server.spoil = lambda i, body: "http 401"
        with pytest.raises(UserError) as refused:
            asyncio.run(evaluate(engine, tmp_path, problems=PROBLEMS[2:3], n=1))
    assert server.keys == {"Bearer sk-very-secret-1"}
    said = repr(engine) + str(refused.value) + "".join(capfd.readouterr())
    assert "injected 500 for Bearer ***" in said and "injected 401 for Bearer ***" in said
    assert "very-secret" not in said
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"very-secret" in file.read_bytes()]
    with pytest.raises(UserError, match="password"):
        address_of("http://me:secret@127.0.0.1/v1")
    with pytest.raises(UserError, match="no such variable"):
        address_of("http://127.0.0.1/v1", api_key_env="NO_SUCH_KEY")


def command(*arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OPENAI_API_KEY": "", "LIGHTEVAL_R1_DEVICE": "cpu"}
    return subprocess.run(
        [sys.executable, "-m", "lighteval_r1.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_server_that_is_not_there_is_one_line():
    done = command("endpoint", "demo_sums", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert done.returncode == 2 and done.stderr.startswith("lighteval-r1: no server answers at http://127.0.0.1:9/v1")
    assert done.stderr.count("\n") == 1 and not done.stdout


def test_what_cannot_run_is_said_before_anything_begins():
    with InThread(StandIn().app()) as url:
        wrong = {
            (url, "other", "demo_sums"): "does not serve 'other'; it serves stand-in",
            (url.removesuffix("/v1"), "stand-in", "demo_sums"): "/v1)?",
            (url, "stand-in", "demo_suns"): "Nearest: demo_sums",
            ("ftp://x", "stand-in", "demo_sums"): "is no base URL",
        }
        for (base_url, model, task), said in wrong.items():
            with pytest.raises(UserError) as refused:
                endpoint_command(EndpointOptions(base_url=base_url, model=model, tasks=[task]))
            assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_question_is_answered_with_the_answer_extracted():
    with InThread(StandIn(form="reasoning").app()) as url:
        done = command("ask", url, "Say 5.", "--seed", "3")
    thought, answer = thought_and_answer("Say 5.", 3)
    assert done.stdout.startswith(f"<think>{thought}</think>{answer}\nanswer: "), done.stdout + done.stderr
    assert re.search(r"answer: \w+ \(box\), \d+ tokens, [\d.]+ s, finish reason stop", done.stdout)


def test_a_question_is_answered_by_a_server_that_counts_no_tokens():
    server = StandIn(usage=False)
    with InThread(server.app()) as url:
        done = command("ask", url, "Say 5.")
    assert len(server.requests) == 1 and re.search(r"answer: \w+ \(box\), tokens not counted, ", done.stdout), done


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_thinking_is_dimmed_on_a_terminal_and_only_there():
    text = "<think>hm < 3\n</think>\n\nIt is 4."
    for out, dim, plain in ((Terminal(), DIM, PLAIN), (io.StringIO(), "", "")):
        screen = Screen(out)
        for end in range(len(text) + 1):
            screen.show(text[:end])
        screen.end(text, thinking_opened=False)
        assert out.getvalue().replace(plain + dim, "") == f"{dim}<think>hm < 3\n</think>{plain}\n\nIt is 4.\n"
    opened = Terminal()
    Screen(opened).end("hm</think>4", thinking_opened=True)
    assert opened.getvalue() == f"{DIM}hm</think>{PLAIN}4\n"
    hostile = Terminal()
    Screen(hostile).end("</think>\x1b[2J\x07", thinking_opened=True)
    assert hostile.getvalue() == f"{DIM}</think>{PLAIN}\ufffd[2J\ufffd\n"


class Process:
    """A program of this folder that takes a line on its standard input and answers with one."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / command[0]), *command[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def ask(self) -> str:
        print(file=self.process.stdin, flush=True)
        return self.line()

    def __exit__(self, *exc) -> None:
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run that SIGKILL hit again and again, what its journal held after each; and an uninterrupted run, on another port."""
    folder, whole = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("whole")
    # random in the run's progress: as good as random in time, and the same on a slow machine
    moments = sorted(random.Random(20).sample(range(5, N - len(PROBLEMS)), N_KILLS))
    seen = {"after": [], "ends": []}
    hold = ("--hold", str(last_seed(engine_for("").settings)), str(folder / "go"))
    with (
        Process("stand_in.py", "--delay-s", "0.05", *hold) as server,
        Process("endpoint_run.py", server.line(), str(folder), str(N_SAMPLES)) as runs,
    ):
        for moment in moments:
            pid = int(runs.ask())
            until = time.monotonic() + 90
            while len(lines_of(folder)) < moment and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
            seen["ends"].append(int(runs.line()))
            seen["after"].append([line for line in lines_of(folder) if decode_line(line)])
        (folder / "go").touch()
        runs.ask()
        seen["last"] = int(runs.line())
    with (
        Process("stand_in.py", "--delay-s", "0") as server,
        Process("endpoint_run.py", server.line(), str(whole), str(N_SAMPLES)) as runs,
    ):
        runs.ask()
        runs.line()
    seen["final"] = lines_of(folder)
    seen["estimates"] = [json.loads((one / "estimate.json").read_text()) for one in (folder, whole)]
    return seen


@pytest.mark.soak("endpoint-kills")
@pytest.mark.timeout(120 + 3 * N_KILLS)
def test_a_run_killed_again_and_again_has_every_sample_once(killed):
    assert killed["ends"] == [-signal.SIGKILL] * N_KILLS and killed["last"] == 0
    counts = [len(lines) for lines in killed["after"]]
    assert counts[-1] < N and len(set(counts)) > N_KILLS // 2, f"kills that hit nothing: {counts}"
    keys = [record["key"] for line in killed["final"] if (record := decode_line(line))]
    assert len(keys) == N and set(Counter(keys).values()) == {1}


@pytest.mark.soak("endpoint-kills")
def test_what_was_drawn_before_a_kill_stays_byte_for_byte(killed):
    final = set(killed["final"])
    for lines in killed["after"]:
        assert set(lines) <= final


@pytest.mark.soak("endpoint-kills")
def test_the_estimate_after_kills_is_that_of_an_uninterrupted_run(killed):
    after_kills, uninterrupted = killed["estimates"]
    assert after_kills == uninterrupted
    # and without the engine, a journal or a kill: two of three replies of the stand-in are right
    records = [record for line in killed["final"] if (record := decode_line(line))]
    prompts = {problem.id: problem for problem in PROBLEMS}
    scores = [
        score_of(prompts[record["problem_id"]].prompt, record["seed"], prompts[record["problem_id"]].gold)
        for record in records
    ]
    assert after_kills["value"] == pytest.approx(sum(scores) / N) and 0.6 < after_kills["value"] < 0.73
