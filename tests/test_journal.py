"""Nothing drawn is lost, nothing damaged is trusted, nothing is written by two at once."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lighteval_r1.records import (
    Grade,
    Outcome,
    Problem,
    Sample,
    Settings,
    UserError,
    pack_token_ids,
    sample_key,
    seed_of,
    unpack_token_ids,
)
from lighteval_r1.runs.journals import holdings, holdings_table
from lighteval_r1.sampling.journal import Journal, decode_line, encode_line, journal_folder, why_anew
from lighteval_r1.sampling.loop import Work, owed_samples

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
    assert second.samples == {sample(0).key: sample(0)}
    assert second.grades == {sample(0).key: Grade(Outcome.WRONG, "7", "integers")}
    second.close()


def test_token_ids_survive_packing():
    assert unpack_token_ids(pack_token_ids([0, 5, 151_646])).tolist() == [0, 5, 151_646]


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


def test_grades_of_another_version_of_the_task_do_not_count(tmp_path):
    first = journal(tmp_path)
    first.add_sample(sample(0))
    first.add_grade(sample(0).key, Grade(Outcome.CORRECT))
    first.close()
    second = Journal(tmp_path, settings=SETTINGS, version=2)
    assert second.samples and not second.grades
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
    assert mine.samples[key].reply == "first" and mine.grades[key].outcome is Outcome.CORRECT
    mine.add_sample(sample(0, "fourth"))
    mine.close()
    again = journal(tmp_path)
    assert again.samples[key].reply == "first"
    assert b"fourth" not in b"".join(path.read_bytes() for path in tmp_path.glob("samples-*"))
    again.close()


def hold(folder: Path, begun, seconds: float) -> None:
    mine = journal(folder)
    begun.set()
    time.sleep(seconds)
    mine.add_sample(sample(0))
    mine.close()


def test_a_second_run_waits_for_the_first_and_sees_what_it_drew(tmp_path, capsys):
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    other = context.Process(target=hold, args=(tmp_path, begun, 1.5))
    other.start()
    assert begun.wait(30)
    mine = journal(tmp_path)
    assert sample(0).key in mine.samples
    assert "waiting until it ends" in capsys.readouterr().err
    mine.close()
    other.join()


def test_a_killed_run_frees_the_journal(tmp_path):
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    other = context.Process(target=hold, args=(tmp_path, begun, 60))
    other.start()
    assert begun.wait(30)
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
    work = Work(task="t", problems=problems, n=5, journal=mine)
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
    first.asked(n=3, problem_ids=["p", "q"])
    first.add_sample(sample(0))
    first.add_sample(sample(2))
    first.add_sample(sample(5))  # beyond what is asked now
    first.add_grade(sample(0).key, Grade(Outcome.WRONG, "7", "integers"))
    first.close()
    (one,) = holdings(str(tmp_path))
    assert (one.task, one.asked, one.drawn, one.owed, one.graded) == ("r1_aime24", 6, 3, 4, 1)
    assert SETTINGS.id in holdings_table([one]) and "r1_aime24" in holdings_table([one])
