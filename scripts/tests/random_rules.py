#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes nonsense, and what is nearly sense, into the file rules.

usage: random_rules.py FILE COUNT

COUNT writes of random bytes, and COUNT of random words. Each is either taken, and
then there are the rules that its lines say, and what the file says can be written
again and says the same; or it is refused with EINVAL, and the file says what it said
before.
"""
import errno
import os
import random
import sys

WORDS = """add replace delete clear a b c - lport= rport= local= remote= loopback
mark= uid= cgroup= share= length_ms= quiet_ms= reuse= reuse_delay_ms= rst= events=
1 80 5000 65536 1-2 10% 0x10 10.0.0.0/8 fd00::/8 ::1 allow ignore all enter,end =
% #""".split()


def read(path):
    """The rules, as they would be written."""
    with open(path) as f:
        rules = [line.split(" hits=")[0] for line in f.readlines()[1:]]
    return ["add " + rule.removeprefix("rule=") for rule in rules]


def write(path, data):
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def random_text():
    lines = []
    for _ in range(random.randint(1, 3)):
        words = ["add", random.choice("abc")] if random.random() < 0.7 else []
        for _ in range(random.randint(0, 5)):
            words.append(random.choice(WORDS) + random.choice(["", random.choice(WORDS)]))
        lines.append(" ".join(words))
    return ("\n".join(lines) + random.choice(["\n", "\n", ""])).encode()


def names(rules):
    return [rule.split()[1].encode() for rule in rules]


def names_after(before, data):
    """The rules that there are if each line of DATA is taken."""
    after = list(before)
    for words in map(bytes.split, data.split(b"\n")):
        if not words or words[0].startswith(b"#"):
            continue
        if words[0] == b"clear":
            after = []
        elif words[0] == b"add":
            after.append(words[1])
        elif words[0] == b"delete":
            after.remove(words[1])
        else:
            assert words[0] == b"replace" and words[1] in after, f"taken: {data!r}"
    return after


def attempt(path, data):
    before = read(path)
    try:
        taken = write(path, data) == len(data)
        assert taken, "cut short"
    except OSError as e:
        assert e.errno == errno.EINVAL, f"{data!r}: {errno.errorcode[e.errno]}"
        assert read(path) == before, f"half done: {data!r}"
        return False
    after = read(path)
    assert names(after) == names_after(names(before), data), f"half taken: {data!r}: {after}"
    write(path, "".join(line + "\n" for line in ["clear"] + after).encode())
    assert read(path) == after, f"does not come back: {data!r}: {after}"
    return True


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    random.seed(count)
    for _ in range(count):
        attempt(path, random.randbytes(random.randint(1, 200)))
    taken = 0
    for _ in range(count):
        write(path, b"clear")
        taken += attempt(path, random_text())
    print(f"{taken} of {count} were taken")
    assert count // 20 < taken < count * 19 // 20


main()
