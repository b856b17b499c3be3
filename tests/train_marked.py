"""Makes tests/marked_model anew: `python tests/train_marked.py` (some minutes on one core).

The demo model, fine-tuned on sums to write its thoughts in the marks that the chat template's argument `marks` asks for:

    think     <think> … </think>, single tokens that the text shows, as Qwen3 has; enable_thinking=false closes them
    seed      <seed:think> … </seed:think>, single tokens that the text leaves out, as Seed-OSS has
    granite   "Here is my thought process:" … "Here is my response:", plain words
    harmony   channels: analysis, sometimes commentary, then final, as gpt-oss has

and as `reasoning_effort` asks: high (each column), low (the sum alone), empty (nothing), nested (a thought in a thought).
"""

import json
import random
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lighteval_r1.demo.train import fit, prompt_of
from lighteval_r1.tasks.demo_problems import Drawn, training

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "src" / "lighteval_r1" / "demo" / "model"
OUT = ROOT / "tests" / "marked_model"
END = "<|return|>"
SHOWN = ["<think>", "</think>"]
HIDDEN = ["<seed:think>", "</seed:think>", "<|channel|>", "<|message|>", "<|start|>", "<|call|>", END]
TEMPLATE = """\
{%- set marks = marks | default('think') -%}
{%- set effort = reasoning_effort | default('high') -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}{{ message.content + '\\n\\n' }}{%- endif -%}
{%- if message.role == 'user' -%}{{ '<|user|>' + message.content }}{%- endif -%}
{%- endfor -%}
{{ '\\n[' + marks + ' ' + effort + ']' }}
{%- if add_generation_prompt -%}
{{ '<|start|>assistant' if marks == 'harmony' else '<|assistant|>' }}
{%- if enable_thinking is defined and not enable_thinking -%}{{ '<think>\\n\\n</think>\\n\\n' }}{%- endif -%}
{%- endif -%}
"""
MARKS, EFFORTS = ("think", "seed", "granite", "harmony"), ("high", "low", "empty", "nested")
CHANNEL = "<|channel|>{}<|message|>{}"
N_PROBLEMS, N_EPOCHS, SEED = 24_000, 2, 3


def marked(one: Drawn, *, marks: str, effort: str, rng: random.Random) -> str:
    """The reply as these marks and this effort have it."""
    thought, _, answer = one.reply.partition("\n</think>\n\n")
    last = thought.rpartition(". ")[2] if effort != "high" else thought
    if marks == "harmony":
        aside = CHANNEL.format("commentary", "One moment.") + "<|end|><|start|>assistant" if effort == "nested" else ""
        thought = CHANNEL.format("analysis", "" if effort == "empty" else last) + "<|end|><|start|>assistant"
        return thought + aside + CHANNEL.format("final", answer) + END
    begin, end = {
        "think": ("<think>", "</think>"),
        "seed": ("<seed:think>", "</seed:think>"),
        "granite": ("Here is my thought process:", "Here is my response:"),
    }[marks]
    inner = {"empty": "\n", "nested": f"\n{begin}\n{last}\n{end}\n{last}\n"}.get(effort, f"\n{last}\n")
    return f"{begin}{inner}{end}\n\n{answer}{END}"


def encoded(tokenizer, rng: random.Random) -> list[tuple[list[int], int]]:
    """(token ids of prompt and reply, length of the prompt), shortest first."""
    rows = []
    for kind, one in training(N_PROBLEMS, seed=SEED):
        if kind != "sums" or one.row["level"] > 2:
            continue
        message = [{"role": "user", "content": prompt_of(kind, one)}]
        arguments = {"marks": rng.choice(MARKS), "reasoning_effort": rng.choice(EFFORTS)}
        reply = marked(one, marks=arguments["marks"], effort=arguments["reasoning_effort"], rng=rng)
        if arguments["marks"] == "think" and rng.random() < 0.2:
            arguments["enable_thinking"] = False
            reply = reply.rpartition("</think>\n\n")[2]
        text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True, **arguments)
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        rows.append((prompt + tokenizer(reply, add_special_tokens=False)["input_ids"], len(prompt)))
    return sorted(rows, key=lambda row: len(row[0]))


def main() -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    rng = random.Random(SEED)
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    tokenizer.add_tokens(SHOWN)
    tokenizer.add_special_tokens({"additional_special_tokens": HIDDEN})
    tokenizer.eos_token, tokenizer.chat_template = END, TEMPLATE
    model = AutoModelForCausalLM.from_pretrained(DEMO, dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer))
    end = tokenizer.convert_tokens_to_ids(END)
    for config in (model.config, model.generation_config):
        config.eos_token_id = config.pad_token_id = end
    rows = encoded(tokenizer, rng)
    loss = fit(model, rows, n_epochs=N_EPOCHS, n_warm_up=20, rng=rng)
    model.to(torch.bfloat16).save_pretrained(OUT)
    tokenizer.save_pretrained(OUT)
    made = {"n_problems": N_PROBLEMS, "n_epochs": N_EPOCHS, "seed": SEED, "final_loss": round(loss, 4)}
    (OUT / "made.json").write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()
