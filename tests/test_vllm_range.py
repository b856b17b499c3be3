"""vLLM is a range: what is used of it is in the sources of each release that docs/install.md names, and in the installed one."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest
import vllm_names
from packaging.specifiers import SpecifierSet

from lighteval_r1.engines.machine import VLLM_READ, VLLM_RUN

ROOT = Path(__file__).resolve().parents[1]
RECORDED = json.loads(vllm_names.RECORDED.read_text())


def installed(file: str) -> str:
    return (Path(importlib.util.find_spec("vllm").submodule_search_locations[0]) / file).read_text()


@pytest.mark.parametrize("version", RECORDED)
def test_a_recorded_release_has_every_name(version):
    assert not vllm_names.moved(RECORDED[version])


def test_the_installed_release_has_every_name():
    there = vllm_names.kept(vllm_names.names_in(installed))
    assert not vllm_names.moved(there), f"since vLLM 0.32.0: {changes(RECORDED['0.32.0'], there)}"


def changes(before: dict, now: dict) -> list[str]:
    return [
        f"{address}: {names} -> {now.get(address)}" for address, names in before.items() if now.get(address) != names
    ]


def test_what_moves_is_named():
    there = {address: list(names) for address, names in RECORDED["0.32.0"].items()}
    there["AsyncLLM.generate"].remove("lora_request")
    there["LoRARequest"].reverse()
    del there["UsageContext"]
    generate, lora, usage = vllm_names.moved(there)
    assert generate == "AsyncLLM.generate has no lora_request" and usage == "usage/usage_lib.py has no UsageContext"
    assert lora.startswith("LoRARequest begins with") and lora.endswith(
        "not with ['lora_name', 'lora_int_id', 'lora_path']"
    )
    assert [words.partition(":")[0] for words in changes(RECORDED["0.32.0"], there)] == [
        "AsyncLLM.generate", "LoRARequest", "UsageContext",
    ]  # fmt: skip


def test_a_release_of_which_a_file_is_gone_lacks_what_stood_in_it():
    def read(file: str) -> str:
        if file == "lora/request.py":
            raise FileNotFoundError
        return installed(file)

    assert vllm_names.moved(vllm_names.names_in(read)) == ["lora/request.py has no LoRARequest"]


def keys_in(path: str, function: str) -> set[str]:
    """Texts that a function of ours uses as keys."""
    module = ast.parse((ROOT / "src" / "lighteval_r1" / path).read_text())
    (body,) = (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef) and node.name == function)
    keys = {
        key.value
        for node in ast.walk(body)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    stored = [
        node.slice for node in ast.walk(body) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    ]
    return keys | {key.value for key in stored if isinstance(key, ast.Constant)}


def test_the_names_are_those_that_the_code_uses():
    engine, sampling = set(vllm_names.ENGINE.split()), set(vllm_names.SAMPLING.split())
    assert keys_in("plugin/vllm_arguments.py", "engine_args") | keys_in("engines/adapters.py", "engine_args") == engine
    assert keys_in("engines/vllm.py", "sampling_params") <= sampling
    needed = {
        address: words.split() for addresses in vllm_names.NEEDED.values() for address, words in addresses.items()
    }
    replica = ast.parse((ROOT / "src" / "lighteval_r1" / "engines" / "replica.py").read_text())
    imported = {
        alias.name
        for node in ast.walk(replica)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("vllm")
        for alias in node.names
    }
    assert imported and imported <= {address.partition(".")[0] for address in needed}
    by_method = {address.rpartition(".")[2]: names for address, names in needed.items()}
    given = {
        (method, word.arg)
        for node in ast.walk(replica)
        if isinstance(node, ast.Call)
        and (method := getattr(node.func, "attr", getattr(node.func, "id", ""))) in by_method
        for word in node.keywords
        if word.arg
    }
    assert ("generate", "request_id") in given and not {
        (name, word) for name, word in given if word not in by_method[name]
    }


def test_the_page_the_extra_and_the_doctor_name_the_same_releases():
    page = (ROOT / "docs" / "install.md").read_text()
    rows = dict(re.findall(r"^\| ([\d., ]+) \| (run|read)\b", page, re.MULTILINE))
    named = {what: tuple(versions.split(", ")) for versions, what in rows.items()}
    assert named == {"run": VLLM_RUN, "read": VLLM_READ}
    assert set(VLLM_RUN) | set(VLLM_READ) == set(RECORDED) and not set(VLLM_RUN) & set(VLLM_READ)
    allowed = SpecifierSet(re.search(r'^gpu = \["vllm(.*)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1])
    assert all(version in allowed for version in RECORDED)
