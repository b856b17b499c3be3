"""`sane`: what an engine does with a dozen replies is seen, in engines and servers that do each thing wrong, too."""

import asyncio
import contextlib
import hashlib
import io
import itertools

import pytest
from aiohttp import web
from endpoint_run import PROBLEMS, engine_for
from stand_in import InThread, chunk, sse

from lighteval_r1.cli.endpoint import EndpointOptions, make_engine, say_effects
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.sanity import checked
from lighteval_r1.engines.vllm import VllmEngine
from lighteval_r1.graders.marks import choose
from lighteval_r1.records import Settings, UserError, pack_token_ids
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work

NAMES = ["template", "thinking", "limit", "finish reasons", "seeds", "BOS", "context", "token counts"]
CONTEXT = 3000


def reply_to(prompt: str, seed: object, *, thinks: bool) -> str:
    digests = [hashlib.sha256(f"{prompt}|{seed}|{i}".encode()).hexdigest() for i in range(4)]
    thought = f"{' '.join(digests)}\n</think>\n\n" if thinks else ""
    return f"{thought}{digests[0]}: $\\boxed{{79}}$."


def prompt_of(content: str, told: dict, *, bos: str) -> str:
    """As a chat template writes it: in front a BOS, at the end an open thought, or one that is closed."""
    thought = "<think>" if told.get("enable_thinking", True) else "<think></think>"
    return f"{bos}{content}|{told.get('reasoning_effort', 'medium')}|{thought}"


class Server:
    """A server as vLLM's is, whose tokens are characters. faults: what it does wrong, by name."""

    def __init__(self, *faults: str) -> None:
        self.faults, self.numbers = set(faults), itertools.count()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        if "no tokenize" not in self.faults:
            app.router.add_post("/tokenize", self.tokenize)
        return app

    def prompt(self, body: dict) -> str:
        told = dict(body.get("chat_template_kwargs") or {})
        if "reasoning_effort" in body:
            told["reasoning_effort"] = body["reasoning_effort"]
        if "ignores arguments" in self.faults:
            told = {}
        return prompt_of(body["messages"][-1]["content"], told, bos="^^" if "two BOS" in self.faults else "^")

    async def models(self, request: web.Request) -> web.Response:
        says = (
            {} if "says no context" in self.faults else {"max_model_len": 1000 if "small" in self.faults else CONTEXT}
        )
        return web.json_response({"data": [{"id": "m", **says}]})

    async def tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        text = self.prompt(body) if "messages" in body else body["prompt"]
        return web.json_response({"tokens": [*map(ord, text)], "token_strs": [*text], "max_model_len": CONTEXT})

    async def chat(self, request: web.Request) -> web.Response:
        body, number = await request.json(), next(self.numbers)
        prompt, seed = self.prompt(body), body.get("seed")
        if "seeds ignored" in self.faults:
            seed = number
        if "one seed" in self.faults:
            seed = 0
        thinks = prompt.endswith("<think>") or "thinks on" in self.faults
        whole = reply_to(prompt, seed, thinks=thinks)
        if "rounds otherwise in a batch" in self.faults and number > 1 and "few sentences" in prompt:
            whole = whole[:100] + whole[100:].swapcase().translate(str.maketrans("0123456789", "1234567890"))
        if "never closes" in self.faults:
            whole = whole.replace("</think>", "")
        if "other marks" in self.faults:
            whole = whole.replace("</think>", "[/THINK]")
        limit = body.get("max_tokens", len(whole))
        if "hands no limit on" in self.faults:
            limit = len(whole)
        text, n = whole[:limit], min(limit, len(whole))
        reason = "length" if n < len(whole) else "stop"
        if "stop at the limit" in self.faults:
            reason = "stop"
        if "length at the end" in self.faults:
            reason = "length"
        counts = {"prompt_tokens": len(prompt), "completion_tokens": n}
        if "BOS in chats" in self.faults:
            counts["prompt_tokens"] += 1
        if "other prompt" in self.faults:
            counts["prompt_tokens"] += 5
        if "counts less" in self.faults:
            counts["completion_tokens"] -= n // 4
        if "counts long replies less" in self.faults and reason == "stop":
            counts["completion_tokens"] //= 2
        deltas = [{"content": text}]
        if "thinking apart" in self.faults:
            thought, _, content = text.partition("</think>")
            deltas = [{"reasoning": thought}, *([{"content": content}] if content else [])]
            if "hands thoughts over" in self.faults and not content:
                deltas = [{"content": thought}]
        events = [*(chunk("m", delta) for delta in deltas), chunk("m", {}, "eos" if "eos" in self.faults else reason)]
        if "no usage" not in self.faults:
            events.append(sse({"choices": [], "usage": counts}))
        return web.Response(body=b"".join([*events, sse("[DONE]")]), content_type="text/event-stream")


@pytest.fixture
def sane(main):
    """(options, faults) -> the command's exit code, its checks as name -> (status, words), and its last line."""

    def looked_at(*options: str, faults: tuple[str, ...] = ()) -> tuple[int, dict[str, tuple[str, str]], str]:
        with InThread(Server(*faults).app()) as url:
            code, out, err = main("sane", url, "--max-tokens", "2400", *options)
        lines = [(line[10:26].strip(), line[:10].strip(), line[26:]) for line in out.splitlines()]
        return code, {name: (status, words) for name, status, words in lines}, err.strip().rpartition("\n")[2]

    return looked_at


def test_a_server_that_does_what_is_asked_is_sane(sane):
    code, checks, err = sane("--template-arg", "enable_thinking=true", "--effort", "low")
    assert code == 0 and err.startswith("reasoning parser: none is known") and list(checks) == NAMES
    assert {status for status, _ in checks.values()} == {"ok"}, checks
    assert (
        checks["template"][1]
        == "enable_thinking=true is what the template does anyway; reasoning_effort=low changes the prompt"
    )
    assert "closed in 4 of 4 replies" in checks["thinking"][1] and "3,000 tokens" in checks["context"][1]


@pytest.mark.parametrize(
    ("faults", "options", "expected", "words"),
    [
        (["ignores arguments"], ["--template-arg", "enable_thinking=false"], {"template": "wrong", "thinking": "wrong"}, "nor does another value"),
        (["ignores arguments"], ["--effort", "high"], {"template": "wrong"}, "reasoning_effort=high changes nothing"),
        ([], ["--template-arg", "style=x"], {"template": "odd"}, "style=x changes nothing in the prompt"),
        (["ignores arguments", "no tokenize"], ["--template-arg", "enable_thinking=false"], {"template": "odd", "thinking": "wrong", "BOS": "not told", "context": "not told", "token counts": "not told"}, "tokens with and without it"),
        (["no tokenize"], ["--template-arg", "enable_thinking=false"], {"BOS": "not told", "context": "not told", "token counts": "not told"}, "changes the prompt, from"),
        (["no tokenize", "no usage"], ["--effort", "low"], {"template": "not told", "thinking": "odd", "limit": "not told", "BOS": "not told", "context": "not told", "token counts": "not told"}, "does not show"),
        (["thinks on"], ["--template-arg", "enable_thinking=false"], {"thinking": "wrong"}, "enable_thinking=false was said"),
        (["never closes"], [], {"thinking": "wrong"}, "4 of 4 replies ended by themselves"),
        (["other marks"], ["--reasoning-parser", "qwen3"], {"thinking": "wrong"}, r"[/THINK]"),
        (["thinking apart"], ["--reasoning-parser", "mistral"], {}, "opened by the reply, closed in 4 of 4"),
        (["thinking apart", "hands thoughts over"], [], {}, "closed in 4 of 4"),
        (["thinking apart", "hands thoughts over", "no tokenize"], ["--reasoning-parser", "qwen3"], {"BOS": "not told", "context": "not told", "token counts": "not told"}, "closed in 4 of 4"),
        (["thinking apart", "hands thoughts over", "no tokenize"], [], {"thinking": "odd", "BOS": "not told", "context": "not told", "token counts": "not told"}, "comes as an answer"),
        ([], ["--template-arg", "enable_thinking=false"], {}, "do not think"),
        (["hands no limit on"], [], {"limit": "wrong", "token counts": "ok"}, "a limit of 8 tokens gave"),
        (["hands no limit on", "no usage"], [], {"limit": "wrong", "token counts": "not told"}, "as many as without"),
        (["counts less"], [], {"limit": "wrong", "finish reasons": "wrong", "token counts": "wrong"}, "6 are reported"),
        (["stop at the limit"], [], {"finish reasons": "wrong"}, "'stop' where the limit of 8"),
        (["length at the end"], [], {"finish reasons": "wrong", "thinking": "ok"}, "where the limit is 2,048"),
        (["eos"], [], {"finish reasons": "wrong"}, "'eos' where the limit"),
        (["seeds ignored"], [], {"seeds": "wrong"}, "they have no effect"),
        (["seeds ignored"], ["--extra-body", '{"seed": null}'], {"seeds": "not told"}, "no seed is sent"),
        (["one seed"], [], {"seeds": "wrong"}, "one and the same text"),
        (["rounds otherwise in a batch"], [], {"seeds": "odd"}, "sums are rounded otherwise"),
        (["two BOS"], [], {"BOS": "wrong"}, "begins with token 94 twice"),
        (["BOS in chats"], [], {"BOS": "wrong", "token counts": "odd"}, "one more than its template"),
        (["small"], [], {"context": "wrong"}, "holds 1,000 tokens"),
        (["says no context"], [], {"context": "not told"}, "does not say"),
        (["counts long replies less"], [], {"token counts": "wrong"}, "tokens are reported of a reply that has about"),
        (["other prompt"], [], {"token counts": "odd"}, "by /tokenize"),
    ],
)  # fmt: skip
def test_what_a_server_does_wrong_or_does_not_tell_is_seen(sane, faults, options, expected, words):
    code, checks, err = sane(*options, faults=tuple(faults))
    assert {name: status for name, (status, _) in checks.items()} == dict.fromkeys(NAMES, "ok") | expected, checks
    assert any(words in said for _, said in checks.values()), checks
    wrong = [name for name in NAMES if expected.get(name) == "wrong"]
    assert code == (2 if wrong else 0)
    assert not wrong or err == f"lighteval-r1: m is not measured sanely: {', '.join(wrong)}, as said above."


def test_what_is_for_the_other_kind_of_engine_is_refused(main):
    for arguments in (["demo", "--tokenizer", "m"], ["http://127.0.0.1:9/v1", "--lora", "x"]):
        code, out, err = main("sane", *arguments)
        assert (code, out) == (2, "") and err.count("\n") == 1, err


# ---- before a run


@pytest.mark.parametrize(
    ("faults", "told", "words"),
    [
        ([], ["enable_thinking=false"], ""),
        ([], ["enable_thinking=true"], ""),
        (["ignores arguments"], ["enable_thinking=false"], "enable_thinking=false changes nothing in the prompt, nor does another value."),
        ([], ["style=x"], "style=x changes nothing in the prompt."),
        (["no tokenize"], ["style=x"], "the server does not show whether style=x changes the prompt."),
        (["no tokenize"], [], ""),
    ],
)  # fmt: skip
def test_an_argument_without_effect_is_said_before_a_run(capsys, faults, told, words):
    with InThread(Server(*faults).app()) as url:
        engine = make_engine(EndpointOptions(base_url=url, model="m", template_args=told))
        asyncio.run(say_effects(engine))
    assert capsys.readouterr().err == (f"{url}: {words}\n" if words else "")


def test_a_run_keeps_how_the_checks_came_out_and_one_that_is_wrong_draws_nothing(tmp_path, capsys):
    def drawn(folder, *faults) -> dict:
        with InThread(Server(*faults).app()) as url, Pool(workers=1) as pool:
            engine = engine_for(url, model="m", context=40_000)
            how = {"settings": engine.settings, "cache_dir": str(folder)}
            work = Work.open("say|0", PROBLEMS[:2], Asked(1, 1), **how)
            try:
                return asyncio.run(run([work], engine=engine, pool=pool, sane=True))
            finally:
                work.journal.close()

    sampling = drawn(tmp_path / "good")
    assert list(sampling["sane"]) == NAMES and sampling["sane"]["BOS"].startswith("ok, ")
    assert sampling["n_drawn"] == 2 and "sane" not in drawn(tmp_path / "good", "one seed"), "nothing was owed"
    assert "ok        limit" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"not measured sanely: seeds, as said above"):
        drawn(tmp_path / "bad", "one seed")
    assert not [*(tmp_path / "bad").rglob("samples-*")]


# ---- in vLLM on this machine


class Letters:
    """A tokenizer whose tokens are characters. bos: what its template writes in front. adds: before other texts, too."""

    bos_token_id = ord("^")

    def __init__(self, *, bos: str = "^", adds: bool = False, ignores: bool = False) -> None:
        self.bos, self.adds, self.ignores = bos, adds, ignores

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict:
        return {"input_ids": [*map(ord, "^" * (self.adds and add_special_tokens) + text)]}

    def decode(self, ids, skip_special_tokens: bool = True) -> str:
        return "".join(map(chr, ids))

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt, **told) -> str:
        return prompt_of(messages[-1]["content"], {} if self.ignores else told, bos=self.bos)


class Replica:
    """A replica's process, without one. faults: what it does wrong."""

    def __init__(self, *faults: str) -> None:
        self.faults = set(faults)

    async def draw(self, number, *, prompt, params, on_text=None) -> dict:
        text = "".join(map(chr, prompt))
        seed = number if "seeds ignored" in self.faults else params["seed"] if params["temperature"] else 0
        whole = reply_to(text, seed, thinks=text.endswith("<think>"))
        drawn = whole[: params["max_tokens"]]
        ids = [*map(ord, drawn[1:] if "loses ids" in self.faults else drawn)]
        return {
            "text": drawn,
            "token_ids": pack_token_ids(ids[::-1] if "other ids" in self.faults else ids),
            "n_tokens": len(drawn),
            "finish_reason": "length" if drawn != whole else "stop",
        }


@pytest.mark.parametrize(
    ("faults", "tokenizer", "context", "told", "expected"),
    [
        ([], {}, 4096, {}, {}),
        ([], {}, 4096, {"effort": "low", "template_args": {"enable_thinking": False}}, {}),
        ([], {"ignores": True}, 4096, {"effort": "low"}, {"template": "wrong"}),
        ([], {"bos": "^^"}, 4096, {}, {"BOS": "wrong"}),
        ([], {"bos": ""}, 4096, {}, {}),
        ([], {"bos": "", "adds": True}, 4096, {}, {"BOS": "odd"}),
        ([], {}, 2100, {}, {"context": "wrong"}),
        (["loses ids"], {}, 4096, {}, {"token counts": "wrong"}),
        (["other ids"], {}, 4096, {}, {"token counts": "wrong"}),
        (["seeds ignored"], {}, 4096, {}, {"seeds": "wrong"}),
        ([], {}, 4096, {"temperature": 0.0, "extra": {"min_tokens": 99}}, {}),
    ],
)
def test_a_replica_that_errs_is_seen_too(faults, tokenizer, context, told, expected):
    usual = {"temperature": 0.6, "top_p": 0.95, "top_k": 0, "max_tokens": 2048, "seed": 0}
    engine = VllmEngine(
        Settings("demo", "r", None, "digest", **usual | told), Layout("cpu"), {}, tokenizer=Letters(**tokenizer),
        templated=True, max_num_seqs=4, facts={"max_model_len": context}, chosen=choose("deepseek_r1"),
        processes=[Replica(*faults)],
    )  # fmt: skip
    out = io.StringIO()
    with contextlib.suppress(UserError):
        asyncio.run(checked(engine, out=out))
    seen = {line[10:26].strip(): line[:10].strip() for line in out.getvalue().splitlines()}
    assert seen == dict.fromkeys(NAMES, "ok") | expected, out.getvalue()
