"""A machine that allows no confinement, and a run through LightEval's pipeline, in one process: its imports take long.

`python bare_machine.py URL FOLDER`: what `lighteval vllm` says on such a machine, then an endpoint run on this one.
"""

import os
import sys

from lighteval_r1.confined import confinement, system_calls


def become_bare() -> None:
    """Makes this process one on a machine without Landlock, namespaces and system call filters; x86_64 only."""
    load, equal, done = system_calls.LOAD, system_calls.JUMP_EQUAL, system_calls.RETURN
    refuse = system_calls.instruction(done, system_calls.REFUSE)
    program = [system_calls.instruction(load, 0)]
    for number in (272, 444):  # unshare, landlock_create_ruleset
        program += [system_calls.instruction(equal, number, if_false=1), refuse]
    program += [
        system_calls.instruction(equal, 157, if_false=3),  # prctl(PR_SET_SECCOMP)
        system_calls.instruction(load, system_calls.ARGUMENTS_AT),
        system_calls.instruction(equal, system_calls.PR_SET_SECCOMP, if_false=1),
        refuse,
        system_calls.instruction(done, system_calls.ALLOW),
    ]
    confinement.call("prctl", confinement.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    system_calls.install_filter(b"".join(program))


def main(url: str, folder: str) -> None:
    from lighteval_r1 import plugin
    from lighteval_r1.cli import endpoint
    from lighteval_r1.cli.evaluate import DEMO_MODEL

    pid = os.fork()
    if pid == 0:
        become_bare()
        tasks = plugin.tasks_named("demo_programs|0")
        plugin.check_command(f"model_name={DEMO_MODEL}", tasks)
        os._exit(0)
    print(
        "on a bare machine it ends with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=sys.stderr, flush=True
    )
    places = {"output_dir": f"{folder}/out", "cache_dir": f"{folder}/cache"}
    endpoint.endpoint_command(
        endpoint.EndpointOptions(base_url=url, model="stand-in", tasks=["demo_programs"], n=1, **places)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
