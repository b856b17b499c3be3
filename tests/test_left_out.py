"""Packages that are left out of an import: named like themselves, never used."""

import gc
import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lighteval_r1.outside.left_out import left_out

LIBRARY = """
import heavy.metrics
from heavy import scorer, tensor as named
from heavy.models import Base
from heavy.light import light

@scorer
def plain():
    return "plain"

@scorer(metrics=[heavy.metrics.mean()])
def given():
    return "given"

class Own(Base): pass

def typed(x: heavy.metrics.Value | None = None) -> list[named.Long]:
    return isinstance(x, named)

def uses():
    return heavy.metrics.mean([1, 2])
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Imports the library, without what is named."""
    (tmp_path / "heavy" / "light").mkdir(parents=True)
    (tmp_path / "heavy" / "__init__.py").write_text("real = True")
    (tmp_path / "heavy" / "light" / "__init__.py").write_text("light = True")
    (tmp_path / "the_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)

    def imported(*packages: str):
        with left_out(packages):
            import the_library
        return the_library

    yield imported
    for name in [name for name in sys.modules if name == "the_library" or name.partition(".")[0] == "heavy"]:
        del sys.modules[name]


def test_a_library_is_imported_without_what_it_names(library):
    module = library("heavy")
    assert (module.plain(), module.given(), module.typed(3)) == ("plain", "given", False)
    assert issubclass(module.Own, module.Base)


def test_what_was_left_out_never_gives_a_result(library):
    module = library("heavy")
    with pytest.raises(RuntimeError, match=r"heavy\.metrics\.mean was left out"):
        module.uses()
    with pytest.raises(RuntimeError, match="Own was left out"):
        module.Own()


def test_another_thread_gets_no_stand_in_meanwhile(library):
    with left_out(["heavy"]), ThreadPoolExecutor(1) as other:
        with pytest.raises(ImportError, match=r"heavy is being left out of another thread's import"):
            other.submit(importlib.import_module, "heavy").result()
        import the_library

        with pytest.raises(RuntimeError, match=r"heavy\.metrics\.mean was left out"):
            other.submit(the_library.uses).result()


def test_no_garbage_is_looked_for_meanwhile():
    with left_out(["heavy"]):
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with left_out(["heavy"]):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_afterwards_the_package_itself_is_imported(library):
    library("heavy")
    import heavy

    assert heavy.real is True


def test_what_is_imported_already_stays(library):
    import heavy

    with pytest.raises(ModuleNotFoundError, match=r"heavy\.metrics"):
        library("heavy")
    assert heavy is sys.modules["heavy"]


@pytest.mark.timeout(120)
def test_lighteval_without_its_other_engines_and_metrics():
    """What replies of a server need: nothing that computes on tensors."""
    code = (
        "import sys\n"
        "from lighteval_r1.cli.endpoint import import_lighteval\n"
        "import_lighteval()\n"
        "heavy = {'torch', 'transformers', 'sympy', 'sklearn', 'nltk', 'inspect_ai', 'accelerate', 'vllm'}\n"
        "assert 'lighteval.pipeline' in sys.modules\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
