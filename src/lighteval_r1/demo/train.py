"""Makes the demo model anew: `python -m lighteval_r1.demo.train --out FOLDER` (a few minutes on a CPU).

A Qwen2 of 0.9 M parameters with a byte-level tokenizer of 1,024 tokens, trained on generated problems alone, in the
form in which the demo's tasks ask them. Weights are saved as bfloat16 (1.8 MB).
"""

import argparse
import json
import random
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.demo_problems import Drawn, training

END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
THINK, THOUGHT = "<think>", "</think>"
VOCABULARY = 1024
CONTEXT = 4096
# As R1's template: the generation prompt opens the thinking.
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}{{ message.content + '\\n\\n' }}{%- endif -%}"
    "{%- if message.role == 'user' -%}{{ '" + USER + "' + message.content }}{%- endif -%}"
    "{%- if message.role == 'assistant' -%}{{ '" + ASSISTANT + "' + message.content + '" + END + "' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '" + ASSISTANT + THINK + "\\n' }}{%- endif -%}"
)
# Words of contest mathematics, so that real problems do not fall apart into single letters.
WORDS = (
    "the of and a to in is that for it as with on by at from are be this which or an each there all one two three four "
    "five six seven eight nine ten such let find number numbers positive integer integers value values sum product "
    "difference equal equals point points line lines circle triangle square rectangle polygon angle angles side sides "
    "length lengths area volume radius diameter center vertex vertices plane distance between where when how many what "
    "relatively prime primes form written can expressed remainder divided divisible least greatest largest smallest "
    "possible set sets subset elements probability random chosen player players game moves function real complex roots "
    "polynomial equation equations system solution solutions sequence terms term first second third last next given "
    "suppose consider define has have not than more less same different distinct exactly only every no other any both "
    "then if so into through during time minutes hours miles kilometers per rate speed walks people board grid row "
    "rows column columns cell cells color red blue green colored arranged order ways tangent perpendicular parallel "
    "intersect intersects segment midpoint convex regular inscribed circumscribed sphere cube prism base bases digit "
    "digits decimal fraction ratio percent compute evaluate determine simplify express answer your \\frac{ \\sqrt{ "
    "\\angle \\triangle \\overline{ \\cdot \\times \\le \\ge \\pi \\theta \\sin \\cos \\tan \\log_ \\left( \\right) "
    "\\begin{ \\end{ \\text{ \\cdots \\dots"
).split()


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    # digits one by one: a sum is done column by column
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [END, USER, ASSISTANT, THINK, THOUGHT]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special[:3],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts + [f"{word} {word}" for word in WORDS] * 40, trainer)
    # without a pad token of its own, Qwen2's class adds one, behind the last row of the embedding
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=END, model_max_length=CONTEXT
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def prompt_of(kind: str, one: Drawn) -> str:
    return TASKS[f"demo_{kind}"].problem({"id": "", **one.row}).prompt


def encode(tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, Drawn]]) -> list[tuple[list[int], int]]:
    """(token ids of prompt and reply, length of the prompt), shortest first."""
    encoded = []
    for kind, one in pairs:
        messages = [{"role": "user", "content": prompt_of(kind, one)}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        reply = tokenizer(one.reply + END, add_special_tokens=False)["input_ids"]
        encoded.append((prompt + reply, len(prompt)))
    return sorted(encoded, key=lambda pair: len(pair[0]))


def batches(encoded: list[tuple[list[int], int]], *, size: int, rng: random.Random):
    """(ids, labels) tensors [size, longest]; the prompt and the padding are not learned."""
    starts = list(range(0, len(encoded), size))
    rng.shuffle(starts)
    for start in starts:
        members = encoded[start : start + size]
        longest = max(len(ids) for ids, _ in members)
        ids = torch.zeros(len(members), longest, dtype=torch.long)
        labels = torch.full((len(members), longest), -100)
        for i, (tokens, n_prompt) in enumerate(members):
            ids[i, : len(tokens)] = torch.tensor(tokens)
            labels[i, n_prompt : len(tokens)] = ids[i, n_prompt : len(tokens)]
        yield ids, labels


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    end = tokenizer.convert_tokens_to_ids(END)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=end,
            pad_token_id=end,
        )
    )


def fit(model: torch.nn.Module, rows: list, *, n_epochs: int, n_warm_up: int, rng: random.Random) -> float:
    """Trains on encode()'s rows, 16 at a time; the last loss. n_warm_up: steps until the rate is whole."""
    size, step, begin = 16, 0, time.monotonic()
    n_steps = n_epochs * -(-len(rows) // size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: 2e-3 * min(1, (at + 1) / n_warm_up) * max(0.02, 1 - at / n_steps)
    )
    for _ in range(n_epochs):
        for ids, labels in batches(rows, size=size, rng=rng):
            loss = model(input_ids=ids, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step % 200 == 0:
                print(f"step {step}/{n_steps}  loss {loss.item():.3f}  {time.monotonic() - begin:.0f} s", flush=True)
    return loss.item()


def train(out: Path, *, n_problems: int, n_epochs: int, seed: int) -> None:
    torch.manual_seed(seed)
    rng = random.Random(seed)
    pairs = training(n_problems, seed=seed)
    tokenizer = make_tokenizer([prompt_of(kind, one) + one.reply for kind, one in pairs[:4000]])
    encoded = encode(tokenizer, pairs)
    model = make_model(tokenizer)
    loss = fit(model, encoded, n_epochs=n_epochs, n_warm_up=200, rng=rng)
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    made = {"n_problems": n_problems, "n_epochs": n_epochs, "seed": seed, "final_loss": round(loss, 4)}
    (out / "made.json").write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--problems", type=int, default=64_000, help="generated training problems")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    train(options.out, n_problems=options.problems, n_epochs=options.epochs, seed=options.seed)
