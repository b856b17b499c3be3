"""What a process can be kept from, by what this machine allows: namespaces with an own file tree, Landlock, no rights.

The server confines itself with these before it forks the first program; what cannot be undone is inherited. They are
called through ctypes: Landlock's packages are pre-releases or months old, and none makes namespaces.

Without namespaces a program can see that other paths exist, and how large and how old they are: Landlock keeps from it
what stands in files and folders, not stat, readlink, chdir or statfs of a path that it guesses. Other processes'
numbers are such paths, under /proc. With namespaces no path but the library's and the own folder's is there.
"""

import ctypes
import os
import signal
import site
import struct
import sys

from lighteval_r1.confined import system_calls

# Shared libraries that an import may load, time zones, and devices that hold nothing.
SYSTEM_FILES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
# A program's own folder, where the file tree is its own: a name under which no library lies.
OWN_FOLDER = "/program"
FOLDER_BYTES = 64 * 2**20
FOLDER_FILES = 10_000

# Source: linux/sched.h, linux/mount.h, linux/prctl.h, linux/capability.h.
CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
# user, network, IPC, host name, control groups
OTHER_NAMESPACES = 0x10000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
LOCKED_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048  # and the two about access times
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
CAPABILITY_VERSION_3 = 0x20080522
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
# The same number everywhere. Source: linux/landlock.h and its documentation, for which version knows which rights.
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14
# Without folders, links, sockets or devices: what a program leaves is one flat folder of files.
OWN_RIGHTS = WRITE_FILE | READ_FILE | READ_DIR | REMOVE_FILE | MAKE_REG | TRUNCATE
TCP = 0b11
OUTSIDE_SOCKETS_AND_SIGNALS = 0b11

LIBC = system_calls.LIBC


def call(name: str, *arguments: object) -> int:
    """A function of the C library. OSError where it fails."""
    done = getattr(LIBC, name)(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return done


def library_files() -> list[str]:
    """What a program may read: the interpreter's library and what it loads; none lies under another."""
    interpreter = [f"{prefix}/lib" for prefix in (sys.base_prefix, sys.prefix)]
    wanted = {*interpreter, os.path.dirname(os.__file__), *site.getsitepackages(), *SYSTEM_FILES}
    there = sorted(path for path in wanted if os.path.exists(path))
    return [path for path in there if not any(path.startswith(other + "/") for other in there)]


def leave_namespaces() -> None:
    """New user, network, IPC, host name and control group namespaces; the next child is the first of its own processes.

    OSError where the machine does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    call("unshare", OTHER_NAMESPACES | CLONE_NEWPID)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    def encoded(text: str | None) -> ctypes.c_char_p:
        return ctypes.c_char_p(None if text is None else os.fsencode(text))

    call("mount", encoded(source), encoded(target), encoded(kind), flags, encoded(options))


def change_root(folder: str) -> None:
    """An own file tree: the library, read-only, and an empty OWN_FOLDER in memory. No /proc. OSError where refused."""
    call("unshare", CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in [*library_files(), *(device for device in DEVICES if os.path.exists(device))]:
        target = folder + path
        os.makedirs(target if os.path.isdir(path) else os.path.dirname(target), exist_ok=True)
        if not os.path.isdir(path):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        mount(path, target, None, MS_BIND | MS_REC)
        if path not in DEVICES:
            locked = os.statvfs(target).f_flag & LOCKED_FLAGS
            mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | locked)
    own = folder + OWN_FOLDER
    os.makedirs(own, exist_ok=True)
    limits = f"size={FOLDER_BYTES},nr_inodes={FOLDER_FILES},mode=700"
    mount("tmpfs", own, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, limits)
    mount(None, folder, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(folder)
    call("syscall", PIVOT_ROOT[os.uname().machine], ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    call("umount2", ctypes.c_char_p(b"."), MNT_DETACH)
    os.chdir(OWN_FOLDER)


def landlock_version() -> int:
    """0 where this kernel has no Landlock."""
    try:
        return call("syscall", LANDLOCK_CREATE, ctypes.c_char_p(None), 0, 1)
    except OSError:
        return 0


def restrict_files(own_folder: str) -> int:
    """Landlock: the library may be read, files in the own folder written; no TCP, signals or sockets outside.

    Returns the version that is in force, 0 for none. OSError where the kernel has Landlock and refuses.
    """
    version = landlock_version()
    if version == 0:
        return 0
    rights = RIGHTS_BY_VERSION[max(known for known in RIGHTS_BY_VERSION if known <= version)]
    fields = [rights, TCP if version >= 4 else 0, OUTSIDE_SOCKETS_AND_SIGNALS if version >= 6 else 0]
    n_fields = 1 if version < 4 else 2 if version < 6 else 3
    described = struct.pack(f"={n_fields}Q", *fields[:n_fields])
    ruleset = call("syscall", LANDLOCK_CREATE, ctypes.c_char_p(described), len(described), 0)
    allowed = [(path, READ_FILE | READ_DIR) for path in library_files()]
    allowed += [(device, READ_FILE | WRITE_FILE) for device in DEVICES if os.path.exists(device)]
    allowed.append((own_folder, OWN_RIGHTS))
    for path, granted in allowed:
        if not os.path.isdir(path):
            granted &= READ_FILE | WRITE_FILE
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", granted & rights, beneath)
        call("syscall", LANDLOCK_ADD, ruleset, 1, ctypes.c_char_p(rule), 0)
        os.close(beneath)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("syscall", LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)
    return version


def drop_rights() -> None:
    """No capabilities, of root either, and no way to new ones."""
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    call("capset", ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))


def hide() -> None:
    """No process of this user may open memory, descriptors or environment of this one and its children in /proc."""
    call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with_parent(parent: int, signal_number: int) -> None:
    """This process is killed when its parent ends. parent: its id, to notice one that ended before."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def adopt_orphans() -> None:
    """Processes whose parent ends become children of this one."""
    call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_children() -> None:
    """Kills all children of this process, and theirs as they become its own; for a process that may read /proc."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = file.read().split()
        if not children:
            return
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
        for pid in children:
            os.waitpid(int(pid), 0)
