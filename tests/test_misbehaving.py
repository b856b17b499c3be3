"""The endpoint engine against a server that misbehaves in every way we know: no traceback, no key, no score from an error."""

import asyncio
import gzip
import json
import os
import re
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import soak
from endpoint_run import PROBLEMS, engine_for, evaluate
from misbehaving import (
    DONE,
    GOOD_TEXT,
    KEY,
    REFUSED,
    REPLY,
    TAKEN,
    TRIED_AGAIN,
    Misbehaving,
    answer,
    counted,
    piece,
)
from stand_in import InThread, StandIn

from lighteval_r1.cli.endpoint import address_of
from lighteval_r1.engines import Owed, server_facts
from lighteval_r1.engines.server_facts import Address, Served, look
from lighteval_r1.engines.streamed import StreamedReply, events, longest_reply
from lighteval_r1.outside.retries import FailedTry, Patience, retry_after_s
from lighteval_r1.records import REFUSED_BY_SERVER, Failure, Outcome, Sample, UserError

pytestmark = pytest.mark.timeout(120)
MODES = TRIED_AGAIN | {name: sent for name, (sent, *_) in (TAKEN | REFUSED).items()}


def engine(url: str, **more):
    patience = {"pause_s": 0.01, "give_up_after_s": 60.0, "stall_s": 10.0, "first_s": 30.0}
    made = engine_for(url, key=KEY, model="m", **patience | more)
    made.settings = replace(made.settings, max_tokens=1000)
    return made


async def drawn(url: str, **more) -> Sample | Failure:
    made = engine(url, **more)
    await made.start()
    try:
        return await made.draw(Owed("key", PROBLEMS[0], 0, 7), replica=0)
    except Failure as failure:
        return failure
    finally:
        await made.stop()


@pytest.fixture(scope="module")
def outcomes():
    """Of every mode: the sample or the failure, and how many requests it took; and all that was printed."""
    server = Misbehaving(MODES)

    async def all_modes() -> dict:
        async with server.serving() as urls:
            return dict(zip(urls, await asyncio.gather(*(drawn(url) for url in urls.values())), strict=True))

    begin = time.monotonic()
    found = asyncio.run(all_modes())
    return {"found": found, "n_requests": server.n_requests, "duration_s": time.monotonic() - begin}


def test_the_table_is_as_long_as_promised_and_soon_done(outcomes):
    assert len(MODES) >= 60 and outcomes["duration_s"] < 60


@pytest.mark.parametrize("mode", TRIED_AGAIN)
def test_what_may_pass_is_tried_again_and_the_whole_reply_taken(outcomes, mode):
    sample = outcomes["found"][mode]
    assert isinstance(sample, Sample), sample
    assert outcomes["n_requests"][mode] == 2
    assert (sample.reply, sample.finish_reason, sample.n_tokens) == (GOOD_TEXT, "stop", 7)


@pytest.mark.parametrize("mode", TAKEN)
def test_what_is_odd_but_a_reply_is_taken_at_once(outcomes, mode):
    sample, (_, text, reason) = outcomes["found"][mode], TAKEN[mode]
    assert isinstance(sample, Sample), sample
    assert outcomes["n_requests"][mode] == 1
    assert (sample.reply, sample.finish_reason) == (text, reason)
    assert sample.n_tokens == (0 if reason in ("content_filter", "tool_calls") else 7)


@pytest.mark.parametrize("mode", REFUSED)
def test_a_refusal_is_the_servers_words_in_one_printable_line(outcomes, mode):
    refused = outcomes["found"][mode]
    assert isinstance(refused, UserError) and refused.exit_code == 2
    assert str(refused).isprintable() and KEY not in str(refused)
    with pytest.raises(UserError, match=REFUSED[mode][1]):
        raise refused


def test_no_key_is_said_and_each_oddity_once(capfd):
    server = Misbehaving(MODES)

    async def one_after_the_other() -> None:
        async with server.serving() as urls:
            for name in ("garbage with the key", "an error event with the key", "a kind with the key",
                         "a reason with the key", "a model with the key", "status 599", "an error event of text",
                         "choices of letters", "two choices", "usage of minus one"):  # fmt: skip
                await drawn(urls[name])

    asyncio.run(one_after_the_other())
    said = "".join(capfd.readouterr())
    assert "very-secret" not in said and said.count("***") == 6, said
    for words, times in {"it calls the model": 1, "further choices": 1, "cannot be, and are not taken": 1}.items():
        assert said.count(words) == times, said


@pytest.mark.parametrize("reason", sorted(REFUSED_BY_SERVER))
def test_what_the_server_refuses_is_no_answer_whatever_stands_there_and_never_owed_again(reason, tmp_path):
    server = StandIn(finish_reason=reason)
    with InThread(server.app()) as url:
        work = asyncio.run(evaluate(engine_for(url), tmp_path, problems=PROBLEMS[:2], n=2))
        again = asyncio.run(evaluate(engine_for(url), tmp_path, problems=PROBLEMS[:2], n=2))
    samples = work.result().samples
    assert len(server.requests) == 4 and again.result().samples == samples
    assert {(s.outcome, s.step, s.finish_reason) for s in samples} == {
        (Outcome.NO_ANSWER, "refused by the server", reason)
    }
    assert all("boxed" in sample.reply for sample in samples)


def test_a_reply_without_content_is_drawn_again_and_in_the_end_empty():
    nothing = [piece(None) + piece(finish="stop") + counted(completion_tokens=0) + DONE] * 10
    assert asyncio.run(of_bodies(nothing)) == ("", "stop", 0, 4)
    empty = [piece("") + piece(finish="stop") + counted(completion_tokens=1) + DONE]
    assert asyncio.run(of_bodies(empty)) == ("", "stop", 1, 1)
    cut = [piece(None) + piece(finish="length") + counted() + DONE]
    assert asyncio.run(of_bodies(cut)) == ("", "length", 7, 1)


def test_a_server_that_counted_before_is_asked_again_and_one_that_never_counts_ends_the_run():
    uncounted = piece(GOOD_TEXT) + piece(finish="stop") + DONE
    with pytest.raises(UserError, match="--tokenizer"):
        asyncio.run(of_bodies([uncounted] * 5))
    assert asyncio.run(of_bodies([REPLY, uncounted, uncounted, REPLY], n=2)) == (GOOD_TEXT, "stop", 7, 4)


@asynccontextmanager
async def serving(talk: Callable, **tls):
    """The base URL of a server in which talk(number of the request, its head, writer) answers, and then it hangs up."""
    numbers = count()

    async def connection(reader, writer) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            await talk(next(numbers), head, writer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(connection, "127.0.0.1", 0, **tls) as server:
        yield f"http{'s' * bool(tls)}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def of_bodies(bodies: list[bytes], *, n: int = 1) -> tuple:
    """The last of n samples drawn of one server that sends these, one a request: text, reason, tokens, requests."""
    n_requests = 0

    async def talk(number, head, writer) -> None:
        nonlocal n_requests
        n_requests += 1
        writer.write(answer(bodies[number]))

    async with serving(talk) as url:
        made = engine(url)
        await made.start()
        try:
            for _ in range(n):
                sample = await made.draw(Owed("key", PROBLEMS[0], 0, 7), replica=0)
        finally:
            await made.stop()
    return sample.reply, sample.finish_reason, sample.n_tokens, n_requests


def talked(steps: list[list], **more) -> tuple[Sample | Failure, int]:
    """A sample of a server that answers the i-th request with steps[i], bytes and pauses in seconds; and the requests."""
    n_requests = 0

    async def talk(number, head, writer) -> None:
        nonlocal n_requests
        n_requests += 1
        writer.write(answer(b"", length=False))
        for step in steps[min(number, len(steps) - 1)]:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            else:
                await asyncio.sleep(step)

    async def run() -> Sample | Failure:
        async with serving(talk) as url:
            return await drawn(url, **more)

    return asyncio.run(run()), n_requests


def test_a_stream_that_is_open_while_its_request_waits_for_its_turn_does_not_stand_still():
    waits = [piece("", role="assistant"), 0.7, b": wait\n\n", 0.7, piece(""), 0.7, REPLY]
    sample, n_requests = talked([waits], stall_s=0.5)
    assert sample.reply == GOOD_TEXT and n_requests == 1


@pytest.mark.parametrize("drip", [b": still here\n\n", piece(""), b"x", counted()])
def test_a_reply_that_does_not_grow_stands_still_whatever_else_drips(drip):
    sample, n_requests = talked([[piece("half")] + [drip, 0.1] * 100, [REPLY]], stall_s=0.5)
    assert sample.reply == GOOD_TEXT and n_requests == 2


def test_a_reply_that_comes_a_byte_at_a_time_is_whole():
    body = REPLY.replace(b"It is", "Это — \U0001f600".encode()).replace(b"\n", b"\r\n")
    sample, n_requests = talked([[body[i : i + 1] for i in range(len(body))]])
    assert sample.reply == GOOD_TEXT.replace("It is", "Это — \U0001f600") and n_requests == 1


def test_a_whole_reply_whose_stream_is_left_open_is_taken():
    sample, n_requests = talked([[REPLY.replace(DONE, b""), 20.0]], stall_s=0.3)
    assert sample.reply == GOOD_TEXT and n_requests == 1


def test_a_key_does_not_follow_a_redirect_elsewhere_and_cookies_go_nowhere():
    heads = {"here": [], "there": []}

    async def there(number, head, writer) -> None:
        heads["there"].append(head)
        writer.write(answer(REPLY))

    async def run() -> list[Sample | Failure]:
        async with serving(there) as target:

            async def here(number, head, writer) -> None:
                heads["here"].append(head)
                moved = target.replace("127.0.0.1", "localhost") + "/chat/completions"
                cookie = f"Set-Cookie: c{number}=1; Path=/\r\n"
                writer.write(answer(b"", status="307 Moved", headers=f"Location: {moved}\r\n{cookie}"))

            async with serving(here) as url:
                made = engine(url.replace("127.0.0.1", "localhost"))
                await made.start()
                try:
                    return [await made.draw(Owed("key", PROBLEMS[0], 0, 7), replica=0) for _ in range(3)]
                finally:
                    await made.stop()

    assert [sample.reply for sample in asyncio.run(run())] == [GOOD_TEXT] * 3
    assert all(KEY.encode() in head for head in heads["here"]) and len(heads["here"]) == len(heads["there"]) == 3
    assert not any(KEY.encode() in head for head in heads["there"])
    assert not any(b"cookie" in head.lower() for head in heads["here"] + heads["there"])


@pytest.mark.parametrize(("text_of", "says"), [(lambda i: "same", True), (lambda i: f"{i == 5}", False)])
def test_a_server_that_does_not_sample_is_noticed(text_of, says, capfd):
    async def talk(number, head, writer) -> None:
        writer.write(answer(REPLY.replace(b"It is", text_of(number).encode())))

    async def run() -> None:
        async with serving(talk) as url:
            made = engine(url)
            await made.start()
            try:
                for i in range(20):
                    await made.draw(Owed("key", PROBLEMS[i % 12 if says else i % 2], i, i), replica=0)
            finally:
                await made.stop()

    asyncio.run(run())
    assert ("answered again in the same words" in capfd.readouterr().err) == says


def test_a_connection_that_is_closed_after_each_reply_without_a_word_does_no_harm():
    async def talk(number, head, writer) -> None:
        writer.write(answer(REPLY).replace(b"Connection: close", b"Connection: keep-alive"))

    async def run() -> list[str]:
        async with serving(talk) as url:
            made = engine(url)
            await made.start()
            try:
                return [(await made.draw(Owed("key", PROBLEMS[0], 0, 7), replica=0)).reply for _ in range(20)]
            finally:
                await made.stop()

    assert asyncio.run(run()) == [GOOD_TEXT] * 20


def test_a_certificate_that_nobody_vouches_for_is_said_in_one_line(tmp_path):
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def talk(number, head, writer) -> None:
        writer.write(answer(REPLY if head.startswith(b"POST") else b'{"data": [{"id": "m"}]}'))

    async def run(model: str) -> Served:
        async with serving(talk, ssl=context) as url:
            return await look(Address(url, api_key=KEY), model=model)

    with pytest.raises(UserError, match="no server answers at https://.*certificate verify failed") as refused:
        asyncio.run(run("m"))
    assert str(refused.value).isprintable()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", certificate)
        assert asyncio.run(run("")).model == "m"


@pytest.mark.parametrize("asked", ["1e9", "inf", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_is_ten_minutes_at_most_and_is_said(asked, capfd):
    assert retry_after_s(asked) == 600
    server = Misbehaving({"wait": answer(b"", status="429 Wait", headers=f"Retry-After: {asked}\r\n")})

    made = engine("http://127.0.0.1:1/v1")
    made._say(FailedTry("HTTP 500"), 1.0)
    made._say(FailedTry("HTTP 429", retry_after_s=600), 600.0)
    made._say(FailedTry("HTTP 429", retry_after_s=600), 600.0)
    assert capfd.readouterr().err.count("the next in 600 s") == 1
    result = asyncio.run(give_up(server))
    assert "HTTP 429" in str(result)


async def give_up(server: Misbehaving) -> Sample | Failure:
    """With an end to its patience, the engine does not even begin to wait."""
    async with server.serving() as urls:
        return await asyncio.wait_for(drawn(urls["wait"]), 10)


@pytest.mark.parametrize("key", ["sk-1\nX-Other: 1", "sk-1\r2", "clé", "sk-\x1b", "sk-“1”"])
def test_a_key_that_no_header_can_hold_is_refused_at_once(key, monkeypatch):
    monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(UserError, match="SOME_KEY holds") as refused:
        address_of("http://127.0.0.1:9/v1", api_key_env="SOME_KEY")
    assert key not in str(refused.value) and refused.value.exit_code == 2


def test_a_reply_is_bounded_by_its_tokens_and_a_line_without_end_costs_linear_time():
    assert longest_reply(1000) == 2**20 + 512_000 and longest_reply(None) == longest_reply(-1) == 2**20
    reply = StreamedReply(longest_reply(0))
    reply.take(json.loads(piece("x" * 2**20)[6:]))
    with pytest.raises(FailedTry, match="more than 1,048,576 bytes"):
        reply.take(json.loads(piece("x")[6:]))

    async def read(n_bytes: int) -> float:
        async def chunks():
            for _ in range(n_bytes // 64):
                yield b"x" * 64

        begin = time.process_time()
        async for _ in events(chunks(), longest=n_bytes):
            pass
        return time.process_time() - begin

    short, long = asyncio.run(read(2**20)), asyncio.run(read(2**24))
    assert long < 16 * 4 * short
    with pytest.raises(FailedTry, match="a line of more than"):
        asyncio.run(events_of(b"x" * 2000, longest=1000))


async def events_of(data: bytes, *, longest: int) -> list:
    async def chunks():
        yield data

    return [event async for event in events(chunks(), longest=longest)]


LISTS = {
    "empty": (answer(b'{"data": []}', headers="Content-Type: application/json\r\n"), "is empty"),
    "absent": (answer(b"", status="404 No"), "HTTP 404"),
    "forbidden": (answer(b"", status="403 No"), "HTTP 403"),
    "of letters": (answer(b'{"data": "many"}'), "no list of models"),
    "deep": (answer(b"[" * 200_000), "no list of models"),
    "malformed": (answer(b"{}", headers="Content-Length: 1\r\n"), "broke"),
    "packed": (answer(gzip.compress(b"x" * 20_000_000), headers="Content-Encoding: gzip\r\n"), "more than"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_model_that_was_named_is_asked_for_whatever_the_list_of_models_is(kind, capfd, monkeypatch):
    monkeypatch.setattr(server_facts, "FEW_LOOKS", Patience(first_pause_s=0.01, most_tries=3))
    sent, why = LISTS[kind]

    async def talk(number, head, writer) -> None:
        writer.write(sent if head.startswith(b"GET /v1/models ") else answer(b"", status="404 No"))

    async def looked() -> Served:
        async with serving(talk) as url:
            return await look(Address(url, api_key=KEY), model="m")

    assert asyncio.run(looked()).model == "m"
    said = capfd.readouterr().err
    assert why in said and "asked for all the same" in said and said.count("\n") == 1


@pytest.mark.soak("endpoint-memory")
@pytest.mark.timeout(120 + soak.count("endpoint-memory") // 20)
def test_memory_stays_flat_over_many_requests():
    """One of four requests breaks off; after the first eighth the process, this server included, grows by at most 20 MB."""
    server = StandIn(spoil=lambda i, body: ("", "", "", "dropped")[i % 4])

    async def many(url: str) -> list[int]:
        made = engine_for(url, pause_s=0.001, concurrency=32)
        await made.start()
        slots = asyncio.Semaphore(32)

        async def draw(seed: int) -> None:
            async with slots:
                await made.draw(Owed("key", PROBLEMS[0], 0, seed), replica=0)

        held_mb = []
        try:
            for _ in range(8):
                await asyncio.gather(*map(draw, range(soak.count("endpoint-memory") // 8)))
                server.requests.clear()
                held_mb.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20)
            return held_mb
        finally:
            await made.stop()

    with InThread(server.app()) as url:
        held_mb = asyncio.run(many(url))
    print("MB held after each eighth:", held_mb)
    assert max(held_mb) - held_mb[0] <= 20, held_mb
