"""What a model is told beside its prompt: template arguments, effort, a budget. Known, tried out, and part of what is drawn."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lighteval_r1.cli.endpoint import EndpointOptions, settings_of
from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, model_section
from lighteval_r1.cli.options import options_file, options_in_words
from lighteval_r1.cli.python_call import flags
from lighteval_r1.cli.submit import SubmitOptions, submission_of
from lighteval_r1.engines import Owed
from lighteval_r1.engines.endpoint import EndpointEngine
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_section import ModelSection, named_values
from lighteval_r1.engines.sanity import without_effect
from lighteval_r1.engines.server_facts import Address, Served
from lighteval_r1.engines.templates import check_template_args, variables_of
from lighteval_r1.engines.vllm import VllmEngine
from lighteval_r1.hub.published import settings_in_words
from lighteval_r1.records import Problem, Run, Settings, UserError
from lighteval_r1.runs.pairing import differences
from lighteval_r1.slurm.jobs import prepare

SETTINGS = Settings("m", "r", None, "t", temperature=0.6, top_p=0.95, top_k=0, max_tokens=200, seed=1)
# The demo's template with the switch of Qwen3's, and efforts as gpt-oss writes them.
SWITCH = (
    "{%- set effort = reasoning_effort | default('medium') -%}"
    "{%- if effort not in ['low', 'medium', 'high'] -%}{{ raise_exception('no effort ' ~ effort) }}{%- endif -%}"
    "{%- for message in messages -%}{{ '<|user|>' + message.content }}{%- endfor -%}"
    "{%- if reasoning_effort is defined and effort != 'medium' %}{{ '(' + effort + ')' }}{% endif -%}"
    "{{ '<|assistant|>' }}{%- if enable_thinking is defined and enable_thinking is false -%}{{ '<think>\\n\\n</think>\\n' }}"
    "{%- else -%}{{ '<think>\\n' }}{%- endif -%}"
)


@pytest.fixture(scope="module")
def switched(tmp_path_factory) -> Path:
    """The demo model with a template that has a switch and efforts."""
    folder = tmp_path_factory.mktemp("switched") / "model"
    shutil.copytree(DEMO_MODEL, folder)
    (folder / "chat_template.jinja").write_text(SWITCH)
    return folder


@pytest.fixture(scope="module")
def tokenizer(switched):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(switched)


# ---- said ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["enable_thinking=false"], {"enable_thinking": False}),
        # what a template would take for true
        (["enable_thinking=False", "thinking = none"], {"enable_thinking": False, "thinking": None}),
        (["effort=low", "budget=512", 'x={"a": 1}'], {"effort": "low", "budget": 512, "x": {"a": 1}}),
        (['{"enable_thinking": false}', "enable_thinking=true"], {"enable_thinking": True}),
        (["x=a=b"], {"x": "a=b"}),
    ],
)
def test_values_are_json_or_text(texts, values):
    assert named_values(texts, option="--template-arg") == values


@pytest.mark.parametrize(
    ("text", "message"), [("enable", "is not NAME=VALUE"), ("{a}", "not JSON"), ("a b=1", "is not")]
)
def test_what_is_no_value_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        named_values([text], option="--template-arg")


def test_every_way_of_saying_comes_to_the_same(tmp_path, monkeypatch):
    said = ModelSection(template_args={"enable_thinking": False}, effort="low")
    recipe, file = tmp_path / "recipe.yaml", tmp_path / "options.json"
    recipe.write_text(yaml.safe_dump({"model_parameters": {"model_name": "m"}, "lighteval_r1": said.record}))
    file.write_text('{"template_args": {"enable_thinking": false}, "effort": "low"}')
    made = options_in_words(EvaluateOptions, ['TEMPLATE_ARGS={"enable_thinking": false}', "EFFORT=low"])
    for options in (
        EvaluateOptions(template_args=["enable_thinking=false"], effort="low"),
        EvaluateOptions(**made),
        EvaluateOptions(**options_file(EvaluateOptions, file)),
        EvaluateOptions(model=str(recipe)),
        SubmitOptions(model=str(recipe)),
    ):
        assert model_section(options) == said
    assert flags("thinking_opened", None) == [] and flags("thinking_opened", False) == ["--no-thinking-opened"]
    assert flags("template_args", {"enable_thinking": False}) == ['--template-args={"enable_thinking": false}']
    monkeypatch.setenv("LIGHTEVAL_R1_MODEL", '{"template_args": {"enable_thinking": false}, "effort": "low"}')
    assert model_section(EvaluateOptions(model="m")) == said


def test_options_go_before_the_variable_and_that_before_the_recipe(tmp_path, monkeypatch):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "model_parameters: {model_name: m}\n"
        "lighteval_r1: {template_args: {a: 1, b: 1, c: 1}, effort: low, thinking_budget: 5, reasoning_parser: qwen3}"
    )
    monkeypatch.setenv("LIGHTEVAL_R1_MODEL", '{"template_args": {"b": 2, "c": 2}, "effort": "medium"}')
    section = model_section(EvaluateOptions(model=str(recipe), template_args=["c=3"], effort="high", thinking_budget=0))
    assert section == ModelSection({"a": 1, "b": 2, "c": 3}, "high", 0, "qwen3")


def test_an_unknown_name_in_a_section_is_refused_with_the_nearest(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("model_parameters: {model_name: m}\nlighteval_r1: {template_arg: {a: 1}}")
    with pytest.raises(
        UserError, match=r"recipe.yaml, lighteval_r1: there is no 'template_arg'. Nearest: template_args"
    ):
        model_section(EvaluateOptions(model=str(recipe)))
    with pytest.raises(UserError, match="thinking_budget: Input should be a valid integer"):
        ModelSection.of({"thinking_budget": "much"}, where="recipe")


def test_a_job_gets_what_was_said(tmp_path):
    options = SubmitOptions(
        model=str(DEMO_MODEL), task="demo_sums", job_folder=str(tmp_path / "job"), tensor_parallel="1",
        template_args=["a=1"],
    )  # fmt: skip
    (job,) = prepare(submission_of(options))
    assert model_section(EvaluateOptions(model=str(job.folder / "model.yaml"))).template_args == {"a": 1}


# ---- known --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "known"),
    [
        (SWITCH, {"enable_thinking", "reasoning_effort"}),
        ("{% if not thinking is defined %}{% set thinking = false %}{% endif %}{{ thinking }}", {"thinking"}),
        ("{% set thinking = thinking | default(true) %}{{ thinking }}", {"thinking"}),
        ("{% macro m(x) %}{{ x }}{{ inner }}{% endmacro %}{{ m(1) }}{{ bos_token }}{{ messages }}", {"inner"}),
        ("{% for m in messages %}{% generation %}{{ m }}{% endgeneration %}{% break %}{% endfor %}", set()),
    ],
)
def test_a_templates_variables_are_read_off_it(template, known):
    assert variables_of(template) == known


def test_what_a_template_never_mentions_is_refused():
    check_template_args({"enable_thinking": True}, SWITCH, effort="low", model="m")
    # handed on under its name
    check_template_args({"thinking": True}, "{{ kwargs.thinking }}", model="m")
    for template_args, effort, template, message in (
        (
            {"enable_thinkin": True},
            "",
            SWITCH,
            "of m knows no enable_thinkin. Did you mean enable_thinking.*It knows: ena",
        ),
        (
            {},
            "low",
            "{{ messages }}",
            "effort low: the chat template of m knows no reasoning_effort. It knows: nothing",
        ),
        ({"messages": []}, "", SWITCH, "messages is decided by the run"),
        ({"reasoning_effort": "low"}, "high", SWITCH, "are one: say it once"),
        ({"a": 1}, "", None, "m has no chat template"),
        ({"a": 1}, "", "{% if %}", "cannot be read: line 1"),
    ):
        with pytest.raises(UserError, match=message):
            check_template_args(template_args, template, effort=effort, model="m")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["--template-arg", "enable_thinking=false"], "knows no enable_thinking"),
        (["--effort", "low"], "effort low: the chat template of"),
        (["--thinking-budget", "64", "--reasoning-parser", "none"], "must know the marks of thinking"),
        (["--thinking-budget", "64", "--max-tokens", "64"], "leaves no room for an answer within max_tokens 64"),
        (["--thinking-budget", "-1"], "a number of tokens from 0"),
    ],
)
def test_what_the_model_cannot_be_told_is_one_line_before_anything_is_loaded(said, message, main, tmp_path):
    code, printed, refused = main("evaluate", *said, "--output-dir", tmp_path / "out")
    assert (code, printed, refused.count("\n")) == (2, "", 1) and message in refused
    assert not (tmp_path / "out").exists()


def test_a_template_among_several_is_the_default_one(tmp_path):
    from lighteval_r1.engines.templates import template_text

    named = [{"name": "tool_use", "template": "a"}, {"name": "default", "template": "b"}]
    for template, text in ((named, "b"), ("c", "c"), (None, None)):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
        assert template_text(str(tmp_path)) == text


# ---- tried out ------------------------------------------------------------------------------------------------------------


def engine(tokenizer, **changed) -> VllmEngine:
    settings = replace(SETTINGS, **changed)
    return VllmEngine(settings, Layout("cpu"), {}, tokenizer=tokenizer, templated=True, max_num_seqs=1)


def test_arguments_reach_the_prompt(tokenizer):
    ends = {
        engine(tokenizer, **changed).render(Problem("1 + 1?", "2")).partition("?")[2]
        for changed in ({}, {"template_args": {"enable_thinking": False}}, {"effort": "low"})
    }
    assert ends == {"<|assistant|><think>\n", "<|assistant|><think>\n\n</think>\n", "(low)<|assistant|><think>\n"}


def test_an_argument_without_effect_is_known(tokenizer):
    asked = engine(tokenizer, template_args={"enable_thinking": True}, effort="high")
    assert without_effect(asked) == ["enable_thinking"]


def test_what_a_template_refuses_is_one_line(tokenizer):
    with pytest.raises(
        UserError, match=r"refuses what it is given \(reasoning_effort='enormous'\): no effort enormous"
    ):
        engine(tokenizer, effort="enormous").render(Problem("?", ""))


# ---- part of what is drawn ----------------------------------------------------------------------------------------------


def test_each_has_its_place_in_the_identity_and_none_at_its_default():
    others = [
        {"template_args": {"enable_thinking": False}}, {"template_args": {"enable_thinking": True}}, {"effort": "low"},
        {"thinking_budget": 0}, {"thinking_budget": 5}, {"engine_args": {"kv_cache_dtype": "fp8"}},
    ]  # fmt: skip
    assert len({SETTINGS.id, *(replace(SETTINGS, **other).id for other in others)}) == 1 + len(others)
    defaults = {"template_args": {}, "effort": "", "thinking_budget": None, "engine_args": {}}
    assert replace(SETTINGS, **defaults).id == SETTINGS.id == "18abf16a53503e58"


def test_a_servers_arguments_have_one_home_and_the_id_of_before():
    options = EndpointOptions(base_url="http://127.0.0.1:1/v1", model="m")
    by_body = '{"chat_template_kwargs": {"enable_thinking": false}, "reasoning_effort": "low", "top_k": 20}'
    made = [
        settings_of(replace(options, **said), Served("m"))
        for said in (
            {"extra_body": by_body},
            {"extra_body": '{"top_k": 20}', "template_args": ["enable_thinking=false"], "effort": "low"},
        )
    ]
    assert made[0] == made[1] and made[0].extra == {"top_k": 20}
    # of the version before, whose settings kept them as further fields of the request
    before = replace(made[0], template_args={}, effort="", extra=json.loads(by_body))
    assert before.id == made[0].id == "1274c7072d92f390"
    sent = EndpointEngine(made[0], Address("http://127.0.0.1:1/v1")).body(Owed("k", Problem("?", ""), 0, 1))
    assert sent | json.loads(by_body) == sent
    with pytest.raises(UserError, match="sets chat_template_kwargs, and so does the option"):
        settings_of(replace(options, extra_body=by_body, template_args=["a=1"]), Served("m"))


def test_runs_that_were_told_otherwise_say_so():
    plain, off = (
        Run("m", "p", vars(replace(SETTINGS, template_args=args)), {}, {}) for args in ({}, {"enable_thinking": False})
    )
    before = replace(plain, settings={name: plain.settings[name] for name in ("model", "temperature")})
    for first in (plain, before):
        assert list(differences(first, off, [])) == ["template args none -> enable_thinking=false"]
    assert list(differences(plain, before, [])) == []
    assert "template args enable_thinking=false" in settings_in_words(off)
    assert "template" not in settings_in_words(plain)
