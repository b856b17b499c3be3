"""What the package offers to scripts and notebooks."""

import subprocess
import sys

import pytest

import lighteval_r1


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys, lighteval_r1\n"
        "heavy = {'numpy', 'typer', 'pyarrow', 'datasets', 'torch', 'vllm', 'lighteval', 'sympy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_name_that_is_offered_is_there_and_no_other():
    assert all(getattr(lighteval_r1, name) is not None for name in lighteval_r1.__all__)
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        _ = lighteval_r1.evalute


def test_a_reply_is_graded_by_name_of_the_grader():
    assert lighteval_r1.grade("It is \\boxed{\\frac{1}{2}}.", "0.5").outcome is lighteval_r1.Outcome.CORRECT
    assert lighteval_r1.grade("Answer: B", "C", grader="choice").outcome is lighteval_r1.Outcome.WRONG
    assert lighteval_r1.grade("\\boxed{7}", "7", thinking_opened=True).outcome is lighteval_r1.Outcome.NO_ANSWER
    with pytest.raises(lighteval_r1.UserError, match="There are: expression, .*program"):
        lighteval_r1.grade("7", "7", grader="exact")


def test_evaluate_raises_the_commands_one_line(tmp_path, capfd):
    with pytest.raises(lighteval_r1.UserError, match="there is no model folder"):
        lighteval_r1.evaluate(model="./nowhere", tasks="demo_sums", output_dir=str(tmp_path / "out"))
    assert "there is no model folder" in capfd.readouterr().err
