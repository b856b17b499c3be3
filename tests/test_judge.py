"""A judge that garbles, errs and is late: nothing of that becomes a result, and nothing is asked twice."""

import json
import threading
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lighteval_r1.records import UserError
from lighteval_r1.thinking.judge import (
    Judge,
    Judged,
    NoStep,
    Question,
    Step,
    agreement,
    named_step,
    steps_of,
)


class Server:
    """Answers chat completions on 127.0.0.1 as `say(prompt, number of times asked)` tells: (status, words), "late" or bytes."""

    def __init__(self, say) -> None:
        self.say, self.asked = say, Counter()
        self.bodies: list[dict] = []
        self.lock, self.closing = threading.Lock(), threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                prompt = body["messages"][0]["content"]
                with server.lock:
                    server.asked[prompt] += 1
                    server.bodies.append(body)
                    times = server.asked[prompt]
                said = server.say(prompt, times)
                if said == "late":
                    server.closing.wait(30)
                    said = (200, "FIRST CORRECT STEP: 1")
                status, words = said if isinstance(said, tuple) else (200, said)
                answer = (
                    words
                    if isinstance(words, bytes)
                    else completion(words)
                    if status == 200
                    else b'{"error": {"message": "no"}}'
                )
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the judge's client has gone: the answer was late

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def n_calls(self) -> int:
        return sum(self.asked.values())

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()


def completion(words: str) -> bytes:
    return json.dumps(
        {"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": words}}]}
    ).encode()


@pytest.fixture
def serve():
    running = []

    def start(say) -> Server:
        running.append(Server(say))
        return running[-1]

    yield start
    for server in running:
        server.close()


def asked(name: str, n_steps: int = 3) -> Question:
    return Question(
        f"Problem {name}", "42", steps_of("\n\n".join(f"step {i} of {name}" for i in range(1, n_steps + 1)))
    )


def judge_of(server: Server, folder: Path, **options) -> Judge:
    return Judge(server.url, model="a judge", folder=folder, **({"timeout_s": 5.0, "pause_s": 0.01} | options))


def test_a_thinking_is_cut_into_paragraphs_and_one_paragraph_into_lines():
    assert steps_of("a b\n\nc\n \n d") == (Step(3, "a b"), Step(6, "c"), Step(11, "d"))
    assert steps_of("a\nb") == (Step(1, "a"), Step(3, "b"))
    assert steps_of(" \n\n") == ()


def test_the_judge_is_given_the_problem_the_gold_and_numbered_steps():
    prompt = asked("p").prompt
    assert "Problem p" in prompt and "42" in prompt and "[2] step 2 of p" in prompt and "3 numbered steps" in prompt


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("FIRST CORRECT STEP: 2", 2),
        ("Maybe FIRST CORRECT STEP: 1. No.\n**FIRST CORRECT STEP:** 3", 3),
        ("first correct step: none", None),
    ],
)
def test_the_last_named_step_counts(words, number):
    assert named_step(words, n=3) == number


@pytest.mark.parametrize(
    "words", ["", "2", "FIRST CORRECT STEP: 4", "FIRST CORRECT STEP: 0", "FIRST CORRECT STEP: two", "step 2"]
)
def test_an_answer_that_names_no_step_of_these_is_no_result(words):
    with pytest.raises(NoStep):
        named_step(words, n=3)


def test_a_step_becomes_the_place_behind_it_and_none_is_a_result_too(serve, tmp_path):
    server = serve(lambda prompt, _: "FIRST CORRECT STEP: none" if "Problem q" in prompt else "FIRST CORRECT STEP: 2")
    assert judge_of(server, tmp_path).judge([asked("p"), asked("q")]) == [Judged(11, 24), Judged(None, None)]


def test_halves_of_characters_and_control_characters_can_be_sent(serve, tmp_path):
    server = serve(lambda *_: "FIRST CORRECT STEP: 1")
    assert judge_of(server, tmp_path).judge([Question("\ud800 \x00 {n} </steps>", "42", steps_of("a\udfff\n\nb"))]) == [
        Judged(0, 2)
    ]


def test_failures_are_asked_again_and_what_is_judged_is_never_asked_twice(serve, tmp_path):
    failures = [(500, ""), (200, "the answer is 42"), (200, b"<html>not json"), (429, "")]
    server = serve(
        lambda prompt, times: failures[times - 1] if "Problem p" in prompt and times < 4 else "FIRST CORRECT STEP: 1"
    )
    first = judge_of(server, tmp_path)
    assert first.judge([asked("p"), asked("q"), asked("q")]) == [Judged(0, 11)] * 3
    # p: three failures and an answer; q, which two replies share: once
    assert (first.n_asked, server.n_calls) == (5, 5)
    again = judge_of(server, tmp_path)
    assert again.judge([asked("p"), asked("q")]) == [Judged(0, 11)] * 2
    assert (again.n_asked, server.n_calls) == (0, 5)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, ""), "error 500"),
        ("late", "no answer within 0.3 s"),
        ((200, "I see no number"), "an answer that names no step"),
        ((200, "FIRST CORRECT STEP: 99"), "a step that is not there"),
        ((200, b'{"choices": []}'), "an answer that is no chat completion"),
        ((200, b'{"choices": [{"message": {"content": null}}]}'), "an empty answer"),
    ],
)
def test_what_never_comes_right_is_unjudged_and_asked_in_the_next_run(serve, tmp_path, answer, why):
    broken = serve(lambda prompt, _: answer if "Problem p" in prompt else "FIRST CORRECT STEP: 3")
    first = judge_of(broken, tmp_path, timeout_s=0.3 if answer == "late" else 10.0)
    assert first.judge([asked("p"), asked("q")]) == [None, Judged(24, 37)]
    assert dict(first.failures) == {why: 1} and first.n_asked == 5
    mended = serve(lambda *_: "FIRST CORRECT STEP: 1")
    again = judge_of(mended, tmp_path)
    assert again.judge([asked("p"), asked("q")]) == [Judged(0, 11), Judged(24, 37)]
    assert again.n_asked == mended.n_calls == 1


def test_each_try_is_drawn_anew_and_the_first_is_the_likeliest_answer(serve, tmp_path):
    server = serve(lambda *_: "I see no number")
    judge_of(server, tmp_path).judge([asked("p")])
    drawn = [(body["temperature"], body["seed"]) for body in server.bodies]
    assert drawn == [(0.0, 0), (0.6, 1), (0.6, 2), (0.6, 3)]


def test_a_judge_that_is_not_there_leaves_all_unjudged(tmp_path):
    judge = Judge("http://127.0.0.1:9/v1", model="m", folder=tmp_path, timeout_s=1.0, pause_s=0.01)
    assert judge.judge([asked("p")]) == [None] and dict(judge.failures) == {"no connection": 1}


def test_a_thinking_too_long_for_the_judge_is_asked_once_a_run(serve, tmp_path):
    server = serve(lambda *_: (400, ""))
    judge = judge_of(server, tmp_path)
    assert judge.judge([asked("p")]) == [None] and server.n_calls == 1
    assert next(iter(judge.failures)).startswith("refused (400")


def test_a_judge_who_does_not_know_the_model_or_key_ends_the_command(serve, tmp_path):
    server = serve(lambda *_: (404, ""))
    with pytest.raises(UserError, match="refuses a judge: 404"):
        judge_of(server, tmp_path).judge([asked(f"p{i}") for i in range(20)])


def test_a_torn_line_of_a_killed_run_is_asked_again(serve, tmp_path):
    server = serve(lambda *_: "FIRST CORRECT STEP: 1")
    judge_of(server, tmp_path).judge([asked("p"), asked("q")])
    (path,) = tmp_path.glob("judged-*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:-20])
    again = judge_of(server, tmp_path)
    assert again.judge([asked("p"), asked("q")]) == [Judged(0, 11)] * 2 and again.n_asked == 1


def test_another_judge_or_another_gold_is_another_question(serve, tmp_path):
    server = serve(lambda *_: "FIRST CORRECT STEP: 1")
    judge_of(server, tmp_path).judge([asked("p")])
    judge_of(server, tmp_path).judge([Question("Problem p", "43", asked("p").steps)])
    Judge(server.url, model="another judge", folder=tmp_path).judge([asked("p")])
    assert server.n_calls == 3


def test_rule_and_judge_are_compared_step_by_step():
    # both in the same step; the rule earlier; only the rule; only the judge; neither; unjudged
    said = agreement(
        [10, 3, 7, None, None, 5],
        [Judged(8, 12), Judged(4, 9), Judged(None, None), Judged(0, 4), Judged(None, None), None],
    )
    numbers = [int(line.split()[-1]) for line in said.splitlines()[2:-1]]
    assert numbers == [5, 2, 1, 1, 0, 1, 1, 1]
    assert said.splitlines()[-1] == "They agree on 2 of 5 (40.0 %)."


# ---- the demo model as a judge, on a real server, behind code that garbles


def ask_demo(url: str, prompt: str) -> str:
    body = {"model": "demo", "messages": [{"role": "user", "content": prompt}], "max_tokens": 24, "temperature": 0}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def test_the_demo_model_judges_behind_code_that_garbles(vllm_server, serve, tmp_path):
    hopeless = {0, 5}
    url = vllm_server.url  # waits until it is up

    def garble(prompt: str, times: int):
        number = int(prompt.split("Problem p")[1].split()[0])
        words = ask_demo(url, f"What is {number} + 1?")
        assert words
        if number in hopeless:
            return [(500, ""), (200, words), "late", (200, b"\xff\xfe")][times % 4]
        # As the model said it at first, which names no step; then what it said with a step behind it.
        return words if times == 1 else f"{words}\nFIRST CORRECT STEP: {number % 3 + 1}"

    asks = [asked(f"p{n}") for n in range(8)]
    server = serve(garble)
    first = judge_of(server, tmp_path, timeout_s=5.0)
    found = first.judge(asks)
    assert [n for n, one in enumerate(found) if one is None] == sorted(hopeless)
    assert found[1] == Judged(11 + 1, 25 + 1) and sum(first.failures.values()) == 2
    hopeless.clear()
    n_before = server.n_calls
    again = judge_of(server, tmp_path)
    assert None not in again.judge(asks)
    assert {prompt for prompt, n in server.asked.items() if n > 4} == {asks[0].prompt, asks[5].prompt}
    assert server.n_calls - n_before == again.n_asked == 2
