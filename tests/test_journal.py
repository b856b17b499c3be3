"""Nothing drawn is lost, nothing damaged is trusted, nothing is written by two at once."""

import base64
import errno
import io
import json
import multiprocessing
import os
import random
import signal
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import soak

from lighteval_r1.engines import CACHE_DIR
from lighteval_r1.records import (
    MOST_TOKENS,
    SAMPLE_FIELDS,
    Grade,
    Outcome,
    Problem,
    RunProblem,
    Sample,
    Settings,
    UserError,
    pack_token_ids,
    sample_key,
    sample_of,
    seed_of,
    to_record,
    unpack_token_ids,
)
from lighteval_r1.runs.journals import holdings, holdings_table
from lighteval_r1.runs.reading import read_run
from lighteval_r1.sampling.journal import Journal, why_anew
from lighteval_r1.sampling.journal_files import (
    Asked,
    DamageSeen,
    decode_line,
    encode_line,
    journal_folder,
    read_samples,
)
from lighteval_r1.sampling.work import Work, owed_samples

RECORDED = Path(__file__).with_name("recorded") / "journals" / "lighteval_r1" / "model"
SETTINGS = Settings(
    model="org/model",
    revision="abc",
    system_prompt=None,
    chat_template="",
    temperature=0.6,
    top_p=0.95,
    top_k=0,
    max_tokens=100,
    seed=1,
)


def sample(index: int, reply: str = "7 \u2028 \x00 \ud800 é") -> Sample:
    key = sample_key(problem_id="p", index=index, settings_id=SETTINGS.id)
    return Sample(key, "p", index, seed_of(key), reply, True, "stop", 3, 5, pack_token_ids([1, 2, 70000]))


def journal(folder: Path, **more) -> Journal:
    return Journal(folder, settings=SETTINGS, version=1, **more)


def test_what_is_added_is_read_back_equal(tmp_path):
    first = journal(tmp_path)
    first.add_sample(sample(0))
    first.add_grade(sample(0).key, Grade(Outcome.WRONG, "7", "integers"))
    first.close()
    second = journal(tmp_path)
    assert second.samples == {sample(0).key: sample(0).graded(Grade(Outcome.WRONG, "7", "integers"))}
    second.close()


def test_token_ids_survive_packing():
    assert unpack_token_ids(pack_token_ids([0, 5, 151_646])).tolist() == [0, 5, 151_646]


def test_what_is_no_packed_token_ids_is_none_of_them_and_a_bomb_is_bounded():
    bomb = base64.b64encode(zlib.compress(bytes(200_000_000))).decode()
    for packed in (
        None,
        "",
        "x",
        "AAAA",
        "\ud800",
        pack_token_ids([7])[:-8],
        base64.b64encode(zlib.compress(b"abc")).decode(),
    ):
        assert unpack_token_ids(packed) is None
    assert len(unpack_token_ids(bomb)) == MOST_TOKENS


def test_a_sample_is_in_the_file_before_the_writer_is_closed(tmp_path):
    open_journal = journal(tmp_path)
    open_journal.add_sample(sample(0))
    (file,) = tmp_path.glob("samples-*.jsonl")
    assert decode_line(file.read_bytes())["key"] == sample(0).key
    open_journal.close()


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b.replace(b'"stop"', b'"stoP"'), lambda b: b"\n"]
)
def test_a_damaged_line_is_set_aside_named_and_owed_again(tmp_path, capsys, damage):
    first = journal(tmp_path)
    for index in range(3):
        first.add_sample(sample(index))
    first.close()
    (file,) = tmp_path.glob("samples-*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1] + damage(lines[2]))
    second = journal(tmp_path)
    assert set(second.samples) == {sample(0).key, sample(1).key}
    assert f"{file}, line 3" in capsys.readouterr().err
    assert second.damaged == [f"{file}, line 3"]
    second.add_sample(sample(2))
    second.close()
    third = journal(tmp_path)
    assert len(third.samples) == 3
    assert file.with_suffix(".jsonl.damaged").exists()
    third.close()


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """A bit turned, a piece cut out, put in twice, overwritten, or the end lost."""
    at = rng.randrange(len(whole))
    piece = rng.choice((1, 2, 16, 200, 3000))
    return rng.choice(
        (
            whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :],
            whole[:at] + whole[at + piece :],
            whole[: at + piece] + whole[at:],
            whole[:at] + rng.randbytes(piece) + whole[at + piece :],
            whole[:at] + b"\n" + whole[at:],
            whole[:at],
        )
    )


@pytest.mark.soak("journal")
@pytest.mark.timeout(300 + soak.count("journal") // 100)
def test_whatever_is_damaged_no_line_is_read_as_something_else():
    """A recorded journal: after any damage, what is read are records that were written, among them every line left whole."""
    (file,) = (RECORDED / "demo_sums").rglob("samples-*.jsonl")
    whole = file.read_bytes()
    written = {line: json.loads(line) for line in whole.splitlines(keepends=True)}
    records = [{name: value for name, value in record.items() if name != "crc32"} for record in written.values()]
    rng = random.Random(9)
    for _ in range(soak.count("journal")):
        lines = io.BytesIO(damaged(whole, rng)).readlines()
        read = [record for line in lines if (record := decode_line(line)) is not None]
        assert all(record in records for record in read)
        assert len(read) >= sum(line in written for line in lines)


def test_grades_of_another_version_of_the_task_do_not_count(tmp_path):
    first = journal(tmp_path)
    first.add_sample(sample(0))
    first.add_grade(sample(0).key, Grade(Outcome.CORRECT))
    first.close()
    second = Journal(tmp_path, settings=SETTINGS, version=2)
    assert second.samples[sample(0).key].outcome is None
    second.close()


def test_a_line_whose_checksum_does_not_match_is_no_record():
    line = encode_line({"key": "a"})
    assert decode_line(line) == {"key": "a"}
    assert json.loads(line)["key"] == "a"
    assert decode_line(line.replace(b'"a"', b'"b"')) is None


def test_the_first_of_two_lines_with_one_key_counts(tmp_path):
    """In the order of the files' names and of their lines; the same for grades."""
    key = sample(0).key
    grades = [{"key": key, "outcome": word, "answer": "7", "step": ""} for word in ("correct", "wrong", "undecided")]
    lines = [encode_line(vars(sample(0, reply))) for reply in ("first", "second", "third")]
    (tmp_path / "samples-a.jsonl").write_bytes(lines[0] + lines[1])
    (tmp_path / "samples-b.jsonl").write_bytes(lines[2])
    (tmp_path / "grades-v1-a.jsonl").write_bytes(encode_line(grades[0]) + encode_line(grades[1]))
    (tmp_path / "grades-v1-b.jsonl").write_bytes(encode_line(grades[2]))
    mine = journal(tmp_path)
    assert mine.samples[key].reply == "first" and mine.samples[key].outcome is Outcome.CORRECT
    mine.add_sample(sample(0, "fourth"))
    mine.close()
    again = journal(tmp_path)
    assert again.samples[key].reply == "first"
    assert b"fourth" not in b"".join(path.read_bytes() for path in tmp_path.glob("samples-*"))
    again.close()


def hold(folder: Path, begun, go) -> None:
    mine = journal(folder)
    begun.set()
    go.wait(60)
    mine.add_sample(sample(0))
    mine.close()


def test_a_second_run_waits_for_the_first_and_sees_what_it_drew(tmp_path, monkeypatch):
    context = multiprocessing.get_context("spawn")
    begun, go, said = context.Event(), context.Event(), []
    other = context.Process(target=hold, args=(tmp_path, begun, go))
    other.start()
    assert begun.wait(60)
    # the first ends once the second has said that it waits
    monkeypatch.setattr("lighteval_r1.sampling.journal.tell", lambda words: (said.append(words), go.set()))
    mine = journal(tmp_path)
    assert sample(0).key in mine.samples
    assert len(said) == 1 and "waiting until it ends" in said[0]
    mine.close()
    other.join()


def test_a_killed_run_frees_the_journal(tmp_path):
    context = multiprocessing.get_context("spawn")
    begun, never = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, begun, never))
    other.start()
    assert begun.wait(60)
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    journal(tmp_path).close()


def test_shards_of_one_run_do_not_wait_for_each_other(tmp_path):
    one, two = journal(tmp_path, shard=(1, 2)), journal(tmp_path, shard=(2, 2))
    one.add_sample(sample(0))
    two.add_sample(sample(1))
    one.close()
    two.close()
    both = journal(tmp_path)
    assert len(both.samples) == 2
    both.close()


@pytest.mark.parametrize("drawn_before", [0, 7])
def test_shards_draw_each_owed_sample_once_between_them(tmp_path, drawn_before):
    """Whatever the journal holds already: a sample's shard is a function of its seed."""
    problems = [Problem(f"{i}?", "1", "expression", name=f"p{i}") for i in range(8)]
    mine = journal(tmp_path, shard=(1, 3))
    work = Work("t", problems, Asked(5, 1), mine)
    for item in owed_samples([work])[:drawn_before]:
        mine.add_sample(replace(sample(item.index), key=item.key, problem_id=item.problem.id))
    parts = [[item.key for item in owed_samples([work], shard=(k, 3))] for k in (1, 2, 3)]
    owed = [item.key for item in owed_samples([work])]
    mine.close()
    assert len(owed) == 40 - drawn_before
    assert sorted(key for part in parts for key in part) == sorted(owed)
    # 40 seeds over 3 shards: none has nearly all, none nearly nothing
    assert all(5 <= len(part) <= 22 for part in parts)


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_what_was_drawn(tmp_path):
    resource = pytest.importorskip("resource")
    mine = journal(tmp_path)
    mine.add_sample(sample(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(UserError, match="cannot write .*samples-.*File too large"):
            mine.add_sample(sample(1, reply="x" * 5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    mine.close()
    again = journal(tmp_path)
    assert set(again.samples) == {sample(0).key}
    assert not again.damaged
    again.close()


def test_on_a_disk_that_is_truly_full_a_journal_keeps_what_it_held_and_goes_on_once_there_is_room(small_disk):
    folder, make_room = small_disk
    mine, held = journal(folder), 0
    with pytest.raises(UserError, match="cannot write .*samples-.*No space left on device"):
        while True:
            mine.add_sample(sample(held, reply="x" * 5000))
            held += 1
    mine.close()
    assert 20 < held < 60 and make_room()
    again = journal(folder)
    assert set(again.samples) == {sample(i).key for i in range(held)}
    again.add_sample(sample(held, reply="x" * 5000))
    again.close()
    assert len(journal(folder).samples) == held + 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot use .*Choose another cache_dir"):
        journal(tmp_path / "file" / "below")


def test_other_settings_are_another_folder_and_the_difference_is_said(tmp_path):
    other = replace(SETTINGS, temperature=0.7)
    journal(journal_folder(str(tmp_path), task="t", settings=SETTINGS)).close()
    folder = journal_folder(str(tmp_path), task="t", settings=other)
    assert folder != journal_folder(str(tmp_path), task="t", settings=SETTINGS)
    assert why_anew(folder, other) == "sampling anew: temperature 0.6 -> 0.7 since the nearest earlier run."


def test_runs_lists_what_is_drawn_owed_and_graded(tmp_path):
    folder = journal_folder(str(tmp_path), task="r1_aime24", settings=SETTINGS)
    with pytest.raises(UserError, match="no journals"):
        holdings(str(tmp_path))
    first = journal(folder)
    first.keep_asked(Asked(3, 1), [RunProblem("p"), RunProblem("q")])
    first.add_sample(sample(0))
    first.add_sample(sample(2))
    first.add_sample(sample(5))  # beyond what is asked now
    first.add_grade(sample(0).key, Grade(Outcome.WRONG, "7", "integers"))
    first.close()
    (one,) = holdings(str(tmp_path))
    assert (one.task, one.asked, one.drawn, one.owed, one.graded) == ("r1_aime24", 6, 3, 4, 1)
    assert SETTINGS.id in holdings_table([one]) and "r1_aime24" in holdings_table([one])


def test_a_disk_that_fails_stops_the_run_with_one_line_and_keeps_what_it_has(tmp_path, monkeypatch):
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("lighteval_r1.sampling.journal.FSYNC_EVERY_S", 0.01)
    monkeypatch.setattr(os, "fsync", failing)
    mine = journal(tmp_path)
    mine.add_sample(sample(0))
    with pytest.raises(UserError, match=r"cannot write .*samples-.*Input/output error"):
        for index in range(1, 6000):
            time.sleep(0.01)
            mine.add_sample(sample(index))
    with pytest.raises(UserError, match="Input/output error"):
        mine.close()
    monkeypatch.undo()
    assert sample(0).key in read_samples(tmp_path, version=1, damage=DamageSeen())


def test_damage_that_cannot_be_set_aside_is_one_line(tmp_path, monkeypatch):
    journal(tmp_path).close()
    (tmp_path / "samples-x.jsonl").write_bytes(b"no line of ours\n")
    (tmp_path / "samples-x.jsonl.damaged").mkdir()
    with pytest.raises(UserError, match=r"samples-x.jsonl.damaged: Is a directory"):
        journal(tmp_path)


@pytest.mark.parametrize("name", ["settings.json", "asked.json"])
@pytest.mark.parametrize("content", ["", "{", "[1, 2]"])
def test_a_file_that_a_power_failure_emptied_is_one_line(tmp_path, main, name, content):
    folder = journal_folder(str(tmp_path), task="t", settings=SETTINGS)
    mine = journal(folder)
    mine.keep_asked(Asked(1, 1), [RunProblem("p")])
    mine.close()
    (folder / name).write_text(content)
    for arguments in (("runs", "--cache-dir", tmp_path), ("results", folder)):
        code, _, refused = main(*arguments)
        assert code == 2 and refused.count("\n") == 1 and f"cannot read {folder / name}" in refused
    if not content:
        # The run's own command mends it.
        again = journal(folder)
        again.keep_asked(Asked(1, 1), [RunProblem("p")])
        again.close()
        assert main("runs", "--cache-dir", tmp_path)[0] == 0


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644)])
def test_files_may_be_read_by_whom_their_folder_may_be(tmp_path, folder_mode, file_mode):
    folder = tmp_path / "journal"
    folder.mkdir()
    folder.chmod(folder_mode)
    mine = journal(folder)
    mine.keep_asked(Asked(1, 1), [RunProblem("p")])
    mine.add_sample(sample(0))
    mine.add_grade(sample(0).key, Grade(Outcome.WRONG, "7", "integers"))
    mine.close()
    assert {path.name.split("-")[0]: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == dict.fromkeys(
        ("settings.json", "asked.json", "problems.jsonl", "samples", "grades", "lock"), oct(file_mode)
    )


def test_grades_by_other_marks_are_grades_of_another_reading(tmp_path):
    """Another reasoning parser means grading anew, never drawing anew; a journal without marks stays as it is."""
    first = journal(tmp_path)
    first.add_sample(sample(0))
    first.add_grade(sample(0).key, Grade(Outcome.WRONG, "7", "integers"))
    first.close()
    other = journal(tmp_path, marks="<think> … </think>")
    assert other.samples[sample(0).key] == sample(0)
    read = replace(sample(0), marks="<think> … </think>", split="0:1|2:3", n_thinking_tokens=1)
    other.add_grade(sample(0).key, Grade(Outcome.CORRECT, "8", "integers"), divided=read)
    other.keep_asked(Asked(1, 1, marks=other.marks), [])
    other.close()
    # a run under way says by which marks it reads, as a finished one does
    assert read_run(str(other.folder)).environment == {"reasoning_parser": {"marks": "<think> … </think>"}}
    again, before = journal(tmp_path, marks="<think> … </think>"), journal(tmp_path / "x")
    assert again.samples[sample(0).key] == replace(read, outcome=Outcome.CORRECT, answer="8", step="integers")
    again.close()
    before.close()
    first = journal(tmp_path)
    assert (first.samples[sample(0).key].outcome, first.samples[sample(0).key].split) == (Outcome.WRONG, None)
    first.close()


def test_journals_lie_in_hf_home_and_those_of_before_go_on_where_they_lie(tmp_path, monkeypatch, capsys, main):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HF_HOME", raising=False)
    asked = {"asked": Asked(1, 1), "settings": SETTINGS, "cache_dir": CACHE_DIR}
    before = Work.open("r1_aime24|0", [], **asked).journal
    before.close()
    assert before.folder.is_relative_to(tmp_path / "home" / ".cache" / "huggingface" / "lighteval")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    capsys.readouterr()
    same = Work.open("r1_aime24|0", [], **asked).journal
    same.close()
    assert same.folder == before.folder
    assert f"r1_aime24: its journal goes on where it lies, in {before.folder}." in capsys.readouterr().err
    new = Work.open("r1_math_500|0", [], **asked).journal
    new.close()
    assert new.folder.is_relative_to(tmp_path / "hf" / "lighteval")
    named = Work.open("r1_aime24|0", [], **asked | {"cache_dir": str(tmp_path / "named")}).journal
    named.close()
    assert named.folder.is_relative_to(tmp_path / "named") and "goes on" not in capsys.readouterr().err
    code, printed, _ = main("runs")
    assert code == 0 and "r1_aime24" in printed and "r1_math_500" in printed


def test_a_line_of_before_a_field_was_added_makes_a_whole_record():
    read = sample_of({"key": "k", "problem_id": "p", "index": 0, "reply": "r"})
    assert to_record(read, SAMPLE_FIELDS)["n_tokens"] is None and read.drawn == read
