"""The system calls that a program may make, as a filter for seccomp: what is not named here does not exist for it.

Threads, memory, files that Landlock or the mount tree allow, clocks, pipes: yes. New processes, other programs, signals
to anyone (a timer that sends SIGKILL, too), the network, other processes' limits and memory, room on a disk that no
size shows, names, modes and owners of files, mounts, keys, shared memory: no.

No package is used: libseccomp's Python bindings are not on the package index, pyseccomp (2021) needs a library that
small containers lack, and the others are months old.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Collection
from functools import partial

# name, number on x86_64, number on aarch64. Source: asm/unistd_64.h and asm-generic/unistd.h of Linux.
ALLOWED = """
    read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70,
    lseek 8 62, open 2 -, openat 257 56, close 3 57, close_range 436 436, stat 4 -, fstat 5 80, lstat 6 -,
    newfstatat 262 79, statx 332 291, access 21 -, faccessat 269 48, faccessat2 439 439, statfs 137 43, fstatfs 138 44,
    readlink 89 -, readlinkat 267 78, getcwd 79 17, chdir 80 49, fchdir 81 50, getdents64 217 61, ftruncate 77 46,
    copy_file_range 326 285, sendfile 40 71, dup 32 23, dup2 33 -, dup3 292 24, fcntl 72 25, ioctl 16 29, pipe 22 -,
    pipe2 293 59, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20,
    epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, eventfd2 290 19,
    timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87, mmap 9 222, munmap 11 215, mremap 25 216,
    mprotect 10 226, madvise 28 233, brk 12 214, mincore 27 232, membarrier 324 283, mlock 149 228, munlock 150 229,
    futex 202 98, futex_waitv 449 449, set_robust_list 273 99, set_tid_address 218 96, rseq 334 293, clone 56 220,
    exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95, restart_syscall 219 128, sched_yield 24 124,
    sched_getaffinity 204 123, sched_getparam 143 121, sched_getscheduler 145 120, sched_get_priority_max 146 125,
    sched_get_priority_min 147 126, getcpu 309 168, getpid 39 172, gettid 186 178, getppid 110 173, getpgrp 111 -,
    getpgid 121 155, getsid 124 156, getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177,
    getresuid 118 148, getresgid 120 150, getgroups 115 158, getpriority 140 141, capget 125 90, umask 95 166,
    uname 63 160, sysinfo 99 179, times 100 153, getrusage 98 165, getrlimit 97 163, setrlimit 160 164,
    prlimit64 302 261, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101,
    gettimeofday 96 169, time 201 -, getrandom 318 278, rt_sigaction 13 134, rt_sigprocmask 14 135,
    rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132,
    pause 34 -, setitimer 38 103, getitimer 36 102, alarm 37 -, signalfd4 289 74, arch_prctl 158 -,
    prctl 157 167, socketpair 53 199, sendto 44 206, recvfrom 45 207, shutdown 48 210, getsockopt 55 209,
    setsockopt 54 208, getsockname 51 204
"""
# Answered as if it had been done: who waits for a disk is hard to tell from one who waits for a core.
PRETENDED = "fsync 74 82, fdatasync 75 83, msync 26 227"
# Of these calls the arguments are looked at. A call is allowed where all conditions of one of its ways hold; a
# condition: the argument's index, the bits that count, the values that these may have.
ALL_BITS = 0xFFFFFFFF
O_TRUNC, O_ACCMODE = 0o1000, 0o3
# Files without a name, and writes and reads that wait for a disk (O_DSYNC, O_SYNC, O_DIRECT).
UNUSUAL_FILES = 0o20000000 | 0o10000 | 0o4000000 | os.O_DIRECT
# Emptying a file asks Landlock before version 3 only for what the file is opened for.
OPEN_BITS, OPEN_VALUES = O_TRUNC | O_ACCMODE | UNUSUAL_FILES, (0, 1, 2, O_TRUNC | 1, O_TRUNC | 2)
# What a C library makes of pthread_create, glibc and musl: a thread that shares all, for which nobody waits.
THREADS = (0x3D0F00, 0x7D0F00)
# All limits but RLIMIT_CPU and RLIMIT_RTTIME, past which the kernel kills as another hand would.
OWN_LIMITS = tuple(range(1, 15))
WORD, POINTER = ALL_BITS, None  # of a pointer both halves count, and 0 is all that it may be
ARGUMENTS = {
    "clone": [[(0, WORD, THREADS)]],
    "open": [[(1, OPEN_BITS, OPEN_VALUES)]],
    "openat": [[(2, OPEN_BITS, OPEN_VALUES)]],
    # F_DUPFD to F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ; not F_SETOWN, which sends signals to other processes.
    "fcntl": [[(1, WORD, (0, 1, 2, 3, 4, 1030, 1032))]],
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
    "ioctl": [[(1, WORD, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451))]],
    "prctl": [[(0, WORD, (15, 16))]],  # PR_SET_NAME, PR_GET_NAME
    "setrlimit": [[(0, WORD, OWN_LIMITS)]],
    # this process's, and either nothing new or one of those
    "prlimit64": [[(0, WORD, (0,)), (2, POINTER, (0,))], [(0, WORD, (0,)), (1, WORD, OWN_LIMITS)]],
    "socketpair": [[(0, WORD, (1,))]],  # AF_UNIX: asyncio wakes itself through one
    "sendto": [[(4, POINTER, (0,))]],  # no address
}
# What the server does besides, for a program, and a program's process until it has refused itself the same: start
# processes and end them, empty their folder, be told of the next one.
OF_SERVER = "fork 57 -, kill 62 129, setpgid 109 154, unlink 87 -, unlinkat 263 35, recvmsg 47 212"
ARGUMENTS_OF_SERVER = {
    "clone": [[(0, WORD, (17, 0x1200011))]],  # fork, of musl and of glibc
    "prctl": [[(0, WORD, (1, 22))]],  # PR_SET_PDEATHSIG, PR_SET_SECCOMP
    "prlimit64": [[(0, WORD, (0,)), (1, WORD, (0,))]],  # RLIMIT_CPU
}

MACHINES = {"x86_64": (1, 0xC000003E), "aarch64": (2, 0xC00000B7)}  # column, AUDIT_ARCH
KILL, ALLOW, PRETEND, REFUSE = 0x80000000, 0x7FFF0000, 0x00050000, 0x00050000 | errno.EPERM
# Libraries try an older call where a new one does not exist.
UNKNOWN = 0x00050000 | errno.ENOSYS
# Source: linux/bpf_common.h. Load a word, jump, jump where equal, mask, return.
LOAD, JUMP, JUMP_EQUAL, MASK, RETURN = 0x20, 0x05, 0x15, 0x54, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data
PR_SET_SECCOMP, FILTER_MODE = 22, 2  # linux/prctl.h, linux/seccomp.h
# PyDLL, which keeps the interpreter's lock: to let it go and take it again costs a forked process more than the call.
LIBC = ctypes.PyDLL(None, use_errno=True)


def numbers(machine: str, table: str = ALLOWED) -> dict[str, int]:
    """Number of each system call of the table on that machine; calls that it lacks are left out."""
    column = MACHINES[machine][0]
    rows = (entry.split() for entry in table.split(","))
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def check_word(at: int, bits: int, values: Collection[int], *, then: list[bytes]) -> list[bytes]:
    """Goes on where the word at that place has one of the values, else leaps over what is to come then."""
    program = [instruction(LOAD, at), instruction(MASK, bits)]
    program += [
        instruction(JUMP_EQUAL, value, if_true=n_left)
        for n_left, value in zip(range(len(values), 0, -1), values, strict=True)
    ]
    return [*program, instruction(JUMP, len(then)), *then]


def check_arguments(ways: list[list[tuple]]) -> list[bytes]:
    """Allows where all conditions of one way hold, else refuses."""
    program = []
    for way in ways:
        then = [instruction(RETURN, ALLOW)]
        for index, bits, values in reversed(way):
            at = ARGUMENTS_AT + 8 * index
            then = check_word(at, bits or ALL_BITS, values, then=then)
            if bits is POINTER:
                then = check_word(at + 4, ALL_BITS, values, then=then)
        program += then
    return [*program, instruction(RETURN, REFUSE)]


def check_calls(calls: dict[str, int], arguments: dict[str, list[list[tuple]]]) -> bytes:
    return b"".join(
        part
        for name, ways in arguments.items()
        if name in calls
        for part in check_word(NUMBER_AT, ALL_BITS, [calls[name]], then=check_arguments(ways))
    )


def build_filters(machine: str | None = None) -> tuple[bytes, bytes] | None:
    """The server's filter and what a program's process adds to it, as BPF programs; None for a machine whose numbers
    are not known here.

    Two, because what a filter costs a forked process grows with its length.
    """
    machine = machine or os.uname().machine
    if machine not in MACHINES:
        return None
    known, of_server = numbers(machine), numbers(machine, OF_SERVER)
    plain = [number for name, number in (known | of_server).items() if name not in ARGUMENTS]
    server = [
        instruction(LOAD, ARCHITECTURE_AT),
        instruction(JUMP_EQUAL, MACHINES[machine][1], if_true=1),
        instruction(RETURN, KILL),
        *check_word(NUMBER_AT, ALL_BITS, plain, then=[instruction(RETURN, ALLOW)]),
        *check_word(NUMBER_AT, ALL_BITS, numbers(machine, PRETENDED).values(), then=[instruction(RETURN, PRETEND)]),
        check_calls(known, {name: ways + ARGUMENTS_OF_SERVER.get(name, []) for name, ways in ARGUMENTS.items()}),
        instruction(RETURN, UNKNOWN),
    ]
    program = [
        *check_word(NUMBER_AT, ALL_BITS, of_server.values(), then=[instruction(RETURN, UNKNOWN)]),
        check_calls(known, {name: ARGUMENTS[name] for name in ARGUMENTS_OF_SERVER}),
        instruction(RETURN, ALLOW),
    ]
    return b"".join(server), b"".join(program)


class FilterProgram(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def installing(program: bytes) -> partial[int]:
    """What to call so that from then on this thread and what it starts may make only those calls; not 0 where the
    kernel refuses."""
    described = FilterProgram(len(program) // 8, program)
    return partial(LIBC.prctl, PR_SET_SECCOMP, FILTER_MODE, ctypes.byref(described), 0, 0)


def install_filter(program: bytes) -> None:
    """OSError where the kernel refuses."""
    if installing(program)():
        raise OSError(ctypes.get_errno(), "seccomp")
