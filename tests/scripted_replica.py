"""A replica that obeys as engines/replica.py says, without vLLM: its replies are a function of prompt and seed.

`python scripted_replica.py FD`. Prompts are UTF-8 bytes as token ids; "Print <k>." is answered with a program. With the folder
scripted/ on PYTHONPATH it stands in for every replica that is started, whatever the prompts: those of a command too.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys

from stand_in import thought_and_answer

from lighteval_r1.engines.vllm import ReplicaProcess
from lighteval_r1.records import pack_token_ids


def spawn(replica: int) -> ReplicaProcess:
    """As ReplicaProcess.spawn, of this program."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
    return ReplicaProcess(replica, process=process, connection=ours)


def asked(ids: list[int]) -> str:
    """A prompt of UTF-8; the ids of any other tokenizer stand for themselves."""
    try:
        return bytes(ids).decode()
    except ValueError:
        return f"Say {ids}."


def reply_to(prompt: str, seed: int) -> str:
    thought, answer = thought_and_answer(prompt.replace("Print ", "Say "), seed)
    if prompt.startswith("Print "):
        # another program each time: equal ones are judged once
        answer = f"\n```python\n# {seed}\nprint({answer.partition('{')[2].partition('}')[0]})\n```"
    return f"<think>{thought}</think>{answer}"


async def main(fd: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd))

    delay_s = float(os.environ.get("SCRIPTED_DELAY_S", 0))
    # "SEED FILE": the reply of this seed waits for this file
    held_seed, _, file = os.environ.get("SCRIPTED_HOLD", "").partition(" ")
    # "N FILE": after so many replies the others wait for this file
    most, _, go = os.environ.get("SCRIPTED_MOST", "").partition(" ")
    n_begun = 0

    async def draw(message: dict) -> None:
        nonlocal n_begun
        n_begun += 1
        number = n_begun
        while most and number > int(most) and not os.path.exists(go):
            await asyncio.sleep(0.02)
        await asyncio.sleep(delay_s)
        while str(message["params"]["seed"]) == held_seed and not os.path.exists(file):
            await asyncio.sleep(0.02)
        text = reply_to(asked(message["prompt"]), message["params"]["seed"])
        ids = pack_token_ids(message["prompt"])
        say({"drawn": message["draw"], "text": text, "token_ids": ids, "n_tokens": len(text), "finish_reason": "stop"})

    def say(message: dict) -> None:
        writer.write(json.dumps(message).encode() + b"\n")

    draws = set()
    while line := await reader.readline():
        message = json.loads(line)
        if "start" in message:
            delay_s = message["start"].get("delay_s", delay_s)
            say({"ready": {"max_model_len": 4096, "vllm": "scripted"}})
        else:
            draws.add(asyncio.create_task(draw(message)))


if __name__ == "__main__":
    with contextlib.suppress(ConnectionError):
        asyncio.run(main(int(sys.argv[1])))
