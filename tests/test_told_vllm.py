"""Real vLLM on this CPU is told what was said: a template switch, a budget of thinking, an argument of its own, an adapter."""

import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_engine_options import write_adapter
from test_template import SWITCH

from lighteval_r1.cli import sweep
from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, evaluate_command
from lighteval_r1.engines import Owed
from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.engines.model_section import ModelSection
from lighteval_r1.engines.sanity import checked
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks import TASKS

pytestmark = pytest.mark.timeout(400)

BUDGET = 6
# What the engine does, whatever a model answers that was never trained on these prompts.
SOUND = ("template", "BOS", "context", "token counts")
MARKS = {"reasoning_start_str": "<think>", "reasoning_end_str": "</think>"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Replies of one replica: as its template falls, with thinking switched off, with a budget, without the adapter."""
    from lighteval_r1.plugin import vllm_arguments

    folder = tmp_path_factory.mktemp("told")
    model = str(folder / "model")
    shutil.copytree(DEMO_MODEL, model)
    (folder / "model" / "chat_template.jinja").write_text(SWITCH)
    section = ModelSection(
        thinking_budget=BUDGET,
        # small enough to leave most of a reply as it is
        lora=write_adapter(folder / "adapter", scale=0.02),
        vllm={"reasoning_config": MARKS, "block_size": 32, "performance_mode": "throughput"},
    )
    config = vllm_arguments.VLLMModelConfig(
        model_name=model, dtype="float32", max_model_length=512, generation_parameters={"max_new_tokens": 100}
    )
    section.check(model, parameters=config.model_dump())
    engine = vllm_arguments.make_engine(config, identity=ModelIdentity("model", "r"), processes=[], section=section)
    task = TASKS["demo_sums"]
    problems = [task.problem(row) for row in task.rows()][:8]

    async def draw() -> dict:
        await engine.start()
        try:
            free = replace(engine.settings, thinking_budget=None)
            kinds = {
                "budgeted": engine,
                "thinking": replace(engine, settings=free, _prompts={}),
                "switched off": replace(
                    engine, settings=replace(free, template_args={"enable_thinking": False}), _prompts={}
                ),
            }
            looked_at = replace(kinds["thinking"], settings=replace(free, max_tokens=256, effort="low"))
            return (
                {"checks": await checked(looked_at, out=io.StringIO())}
                | {
                    kind: await asyncio.gather(
                        *(
                            told.draw(Owed(f"{kind}-{i}", problem, i, seed=i), replica=0)
                            for i, problem in enumerate(problems)
                        )
                    )
                    for kind, told in kinds.items()
                }
                | {"engine": engine}
            )
        finally:
            await engine.stop()

    return asyncio.run(draw())


def test_a_template_switch_reaches_the_model(drawn):
    assert all(sample.thinking_opened and "</think>" in sample.reply for sample in drawn["thinking"])
    assert not any(sample.thinking_opened for sample in drawn["switched off"])
    assert sum("</think>" in sample.reply for sample in drawn["switched off"]) < len(drawn["switched off"]) / 2
    # "\n</think>\n" stands in the prompt
    longer = {
        a.n_prompt_tokens - b.n_prompt_tokens for a, b in zip(drawn["switched off"], drawn["thinking"], strict=True)
    }
    assert len(longer) == 1 and longer.pop() > 0


def test_a_budget_ends_the_thinking(drawn):
    tokenizer = drawn["engine"].tokenizer
    thoughts = {
        kind: [len(tokenizer(sample.reply.partition("</think>")[0])["input_ids"]) for sample in drawn[kind]]
        for kind in ("budgeted", "thinking")
    }
    assert max(thoughts["budgeted"]) <= BUDGET + 1 < max(thoughts["thinking"])
    assert all("</think>" in sample.reply for sample in drawn["budgeted"])


def test_vllm_was_started_with_what_was_said(drawn):
    engine = drawn["engine"]
    assert engine.facts["kv_tokens"] and engine.facts["kv_tokens"] % 32 == 0
    # what a quarter of this machine's memory would hold is zeroed for nothing
    assert 1 < engine.facts["kv_tokens"] / (512 * engine.facts["max_num_seqs"]) < 3
    said = {"block_size": 32, "performance_mode": "throughput", "enable_lora": True, "max_lora_rank": 8}
    assert engine.engine_args | said == engine.engine_args
    settings = engine.settings
    assert set(settings.engine_args) == {"reasoning_config", "lora"} and settings.engine_args["lora"].startswith(
        "sha256:"
    )


def killed_half_way(options: EvaluateOptions, *, effort: str) -> dict[Path, bytes]:
    """The sweep on scripted replicas, killed when some samples of an effort are drawn; what its journals then held."""
    # before the fork, so that LightEval is imported once
    from lighteval_r1.plugin import pipeline, vllm_arguments  # noqa: F401

    def drawn() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in Path(options.cache_dir).rglob("samples-*.jsonl")}

    def settings_of(path: Path) -> dict:
        return json.loads((path.parent / "settings.json").read_text())

    child = multiprocessing.get_context("fork").Process(target=evaluate_command, args=(options,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).with_name("scripted")))
        # all of the first effort, and some of the second: it cannot end before it is killed
        patch.setenv("SCRIPTED_MOST", "60 /nowhere")
        child.start()
    while not any(held.count(b"\n") > 4 for path, held in drawn().items() if settings_of(path)["effort"] == effort):
        assert child.is_alive(), child.exitcode
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    return drawn()


def test_a_model_with_a_switch_is_looked_at(drawn):
    checks = {check.name: check for check in drawn["checks"]}
    assert checks["template"].words == "reasoning_effort=low changes the prompt"
    assert all(checks[name].status == "ok" for name in SOUND), drawn["checks"]


def test_efforts_are_runs_of_their_own_on_replicas_that_start_once(tmp_path, monkeypatch, capfd):
    """Killed in its second run, and started again, on real vLLM: it has one replica's samples, then another's."""
    shutil.copytree(DEMO_MODEL, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").write_text(SWITCH)
    monkeypatch.setenv("LIGHTEVAL_R1_DEVICE", "cpu")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    started, at_end = [], []
    start = sweep.start_replicas
    monkeypatch.setattr(sweep, "start_replicas", lambda layout: started.append(layout) or start(layout))
    monkeypatch.setattr(sweep, "atexit", SimpleNamespace(register=at_end.append))
    monkeypatch.setenv("LIGHTEVAL_R1_SANE", "")
    options = EvaluateOptions(
        model=str(tmp_path / "model"), task="demo_sums", n=1, max_tokens=48, effort="low,high",
        vllm=["dtype=float32", "max_model_len=512", "max_num_seqs=4"],
        output_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    before = killed_half_way(options, effort="high")
    assert not started and not [*(tmp_path / "out" / "effort-high").rglob("results_*")]
    capfd.readouterr()
    evaluate_command(options)
    assert len(started) == 1
    owed = re.findall(r"demo_sums: 40 problems x 1 sample, (\d+) drawn, (\d+) owed", capfd.readouterr().err)
    assert owed[0] == ("40", "0") and 5 <= int(owed[1][0]) < 40, owed
    assert all(path.read_bytes() == held for path, held in before.items())
    journals = sorted((tmp_path / "cache").rglob("settings.json"))
    assert len({path.parents[1] for path in journals}) == 1
    assert {json.loads(path.read_text())["effort"] for path in journals} == {"low", "high"}
    for value in ("low", "high"):
        run = read_run(str(tmp_path / "out" / f"effort-{value}"))
        assert run.settings["effort"] == value and len(run.tasks["demo_sums"].samples) == 40
    assert (tmp_path / "out" / "demo_sums_effort.png").stat().st_size > 5000
    table = printed_by(*at_end)
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [["demo_sums", "low"], ["demo_sums", "high"]]


def printed_by(function) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function()
    return out.getvalue()
