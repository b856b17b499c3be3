"""A whole run whose server sends replies that break files, terminals and pages: results, details, page, push."""

import io
import json
import re
from collections import Counter

import pyarrow.parquet as parquet
import pytest
from aiohttp import web
from fake_hub import FakeHub
from pushes import REPO, start
from stand_in import InThread, StandIn, chunk, sse

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.outside.words import UNPRINTABLE, storable
from lighteval_r1.runs.reading import read_run
from lighteval_r1.sampling.journal_files import decode_line

pytestmark = pytest.mark.timeout(300)
BOX = "It is \\boxed{5}. "
RIGHT_TO_LEFT = "\u202e\u2066\u200f}5{dexob\\ \u2069"
KINDS = {
    "half characters": f"\ud800<think>\udfff</think>\ud83d{BOX}\udc00",
    "a box of half a character": "\\boxed{5\ud800}",
    "NUL": f"\0<think>\0</think>{BOX}\0" + "\0" * 5000,
    "ESC": f"\x1b[2J\x1b]0;mine\x07\x1b[31m{BOX}\x1bc\x9b31m",
    "right to left": f"{RIGHT_TO_LEFT}{BOX}",
    "returns": f"a\rb\r\nc\x0bd\x0ce\x85f\u2028g\u2029{BOX}",
    "markup": f"</script><script>alert(1)</script><!--{BOX}]]>",
    "code": f"```python\n\ud800print('\x1b[2J')\0\n```\n{BOX}",
    "no characters": "\ufffe\uffff\ufdd0\U0010ffff" + BOX,
    "accents without end": "a" + "\u0301" * 20_000 + BOX,
}
BRACES = "{" * 5_000_000 + "}" * 5_000_000


class Hostile(StandIn):
    """One reply in forty is 10 MB of braces."""

    n_replies = 0

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "stand-in", "root": "\x1b[2J\ud800\u202eweights"}]})

    def pieces(self, body: dict) -> list[bytes]:
        self.n_replies += 1
        text = BRACES if self.n_replies % 40 == 1 else [*KINDS.values()][self.n_replies % len(KINDS)]
        parts = [text[i : i + 500_000] for i in range(0, len(text), 500_000)]
        usage = {"prompt_tokens": 5, "completion_tokens": len(text), "total_tokens": 0}
        return [
            *(chunk("stand-\x1b[1min", {"content": part}) for part in parts),
            chunk("stand-in", {}, "stop\x07\ud800" if self.n_replies % 7 == 3 else "stop"),
            sse({"choices": [], "usage": usage}),
            sse("[DONE]"),
        ]


@pytest.fixture(scope="module")
def run(warm, tmp_path_factory):
    """The run, the same command again, and what came after it."""
    folder, server = tmp_path_factory.mktemp("hostile"), Hostile()
    out = folder / "out"
    seen = {"folder": folder, "server": server}
    with InThread(server.app()) as url:
        arguments = ["endpoint", "demo_sums@n=2", "demo_choices@n=1", "demo_programs@n=1", "--base-url", url,
                     "--model", "stand-in", "--output-dir", out, "--cache-dir", folder / "cache"]  # fmt: skip
        for number in (1, 2):
            command = warm.start(folder / f"streams{number}", *arguments)
            seen[f"said{number}"] = command.communicate(timeout=150)
            seen[f"status{number}"], seen[f"n{number}"] = command.returncode, server.n_replies
    return seen


def journal(run: dict) -> list[dict]:
    files = [*(run["folder"] / "cache").rglob("samples-*.jsonl")]
    return [decode_line(line) for file in files for line in file.read_bytes().splitlines(True)]


def test_the_run_ends_with_a_table_and_the_same_command_draws_nothing_more(run):
    assert run["status1"] == 0, run["said1"][1][-3000:]
    assert run["status2"] == 0, run["said2"][1][-3000:]
    assert run["n1"] == run["n2"] == 128
    for out, err in (run["said1"], run["said2"]):
        assert [line.split()[0] for line in out.splitlines() if re.match(r"demo_\w+\|0 +\d", line)] == [
            "demo_choices|0", "demo_programs|0", "demo_sums|0"]  # fmt: skip
        assert "Traceback" not in err
        # what a terminal would obey
        assert not re.search("[\x00\x07\x9b\u202e\ud800-\udfff]|\x1b(?!\\[[0-9;]*m)|\x1b\\[1min", out + err)


def test_the_journal_holds_every_reply_as_it_came(run):
    replies = Counter(record["reply"] for record in journal(run))
    assert sum(replies.values()) == 128 and set(replies) == {BRACES, *KINDS.values()}
    assert replies[BRACES] == 4
    reasons = {record["finish_reason"] for record in journal(run)}
    assert reasons == {"stop", "stop\ufffd\ufffd"}


def test_results_and_details_hold_them_but_for_half_characters(run):
    found = read_run(run["folder"] / "out")
    samples = [sample for task in found.tasks.values() for problem in task.problems for sample in problem.samples]
    assert len(samples) == 128 and all(sample.outcome for sample in samples)
    assert Counter(sample.reply for sample in samples) == Counter(storable(r["reply"]) for r in journal(run))
    results = max((run["folder"] / "out").rglob("results_*.json"))
    record = json.loads(results.read_text(encoding="utf-8"))
    assert not UNPRINTABLE.search(record["config_general"]["model_config"]["lighteval_r1"]["settings"]["revision"])


def test_the_page_and_the_commands_that_read_the_run_take_them(run, main, tmp_path):
    page = tmp_path / "page.html"
    for arguments in (("results", run["folder"] / "out"), ("report", run["folder"] / "out", "-o", page),
                      ("think", run["folder"] / "out", "--tokenizer", DEMO_MODEL)):  # fmt: skip
        status, out, err = main(*arguments)
        assert status == 0, (arguments, err[-3000:])
        assert not UNPRINTABLE.search(out + err)
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text and "\0" not in text and "\x1b" not in text


def test_the_push_takes_them(run, tmp_path):
    with FakeHub() as hub:
        push = start(hub, tmp_path / "home", "upload", run["folder"] / "out", REPO)
        said, _ = push.communicate(timeout=120)
        assert push.returncode == 0, said
        files = hub.dataset(REPO).files()
    rows = [
        row
        for name, data in files.items()
        if name.endswith(".parquet") and "details_" not in name
        for row in parquet.read_table(io.BytesIO(data)).to_pylist()
    ]
    assert Counter(row["reply"] for row in rows) == Counter(storable(record["reply"]) for record in journal(run))
    assert not UNPRINTABLE.search(files["README.md"].decode())
