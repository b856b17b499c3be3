"""Long counts, by part: `make soak` takes the long count of every part, `make soak SOAK="kills journal=5000"` of these.

`make test` takes the short one. LIGHTEVAL_R1_SOAK holds what was asked for; tests without a part are left out of a soak.
"""

import os

# part: (count in `make test`, count in `make soak`)
PARTS = {
    # SIGKILLs of a run on vLLM
    "kills": (1, 20),
    # stops of a run on vLLM, by Ctrl-C, TERM and a lost terminal
    "stops": (0, 3),
    # SIGKILLs of a run against a server
    "endpoint-kills": (8, 200),
    # SIGKILLs of a run on scripted replicas of vLLM, of its replicas, its grading processes and what confines programs
    "process-kills": (8, 200),
    # Slurm jobs that share a run on vLLM, one of which is killed
    "shards": (2, 3),
    # requests to a server that spoils one of four, while memory is measured
    "endpoint-memory": (400, 20_000),
    # SIGKILLs of a push to the Hub
    "pushes": (1, 20),
    # of the pairs of a request of a push and 429 or 500
    "push-faults": (1, 1000),
    # megabytes of details that are pushed while memory is measured
    "push-megabytes": (96, 2000),
    # damages done to a journal's bytes
    "journal": (300, 20_000),
    # damages done to files of each kind of run, before they are read
    "damage": (8, 400),
    # answers made from golds by rule: as many that say the same, as many that do not
    "mutations": (2_500, 100_000),
    # expressions drawn as trees
    "trees": (150, 10_000),
    # of the 671 programs with known verdicts
    "programs": (168, 671),
    # runs of a suite whose weighted mean is to lie in its interval
    "suites": (150, 8_000),
    # runs of a program that is right by chance
    "chances": (60, 2000),
    # simulated runs of each kind of problems, of which the interval over problems must cover 93 to 97 %
    "coverage": (0, 2000),
    # simulated adaptive runs of each kind of problems
    "adaptive": (60, 2000),
    # adaptive runs of each kind of problems that are planned from a pilot of four
    "plans": (4, 200),
}


def asked(text: str) -> dict[str, int]:
    """ "kills journal=5000" -> {"kills": 20, "journal": 5000}; {} in an ordinary run. ValueError where a part is unknown."""
    counts = {}
    for word in text.replace(",", " ").split():
        part, _, count = word.partition("=")
        if part == "all":
            counts |= {name: long for name, (_, long) in PARTS.items()}
        elif part in PARTS and (not count or count.isdigit()):
            counts[part] = int(count) if count else PARTS[part][1]
        else:
            raise ValueError(f"{word!r} is no part of a soak; there are {', '.join(PARTS)}, as PART or PART=COUNT.")
    return counts


ASKED = asked(os.environ.get("LIGHTEVAL_R1_SOAK", ""))


def count(part: str) -> int:
    return ASKED.get(part, PARTS[part][0])
