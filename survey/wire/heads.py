"""What the loop itself looks at in a packet: the first octets of its header, and where a key stands in it."""

from __future__ import annotations

from functools import lru_cache

STRAY, DENIAL, RECORDS, OTHER = range(4)
"""What the first octets of a header say: no answer to one question; none such; records; anything else."""


@lru_cache(maxsize=1 << 10)
def kind_of(head: bytes) -> int:
    """What six octets of a header, from its flags to the count of its answers, say."""
    if len(head) < 6 or not head[0] & 0x80 or head[2:4] != b"\0\1":
        return STRAY
    if head[0] & 2 or head[1] & 15 not in (0, 3):
        return OTHER
    return DENIAL if head[4:6] == b"\0\0" else RECORDS


def is_bare_refusal(data: bytes) -> bool:
    """Whether a server that cannot read us sent back nothing but a header, which can only say no."""
    return len(data) == 12 and data[2] & 0x80 > 0 and data[4:6] == b"\0\0" and data[3] & 15 in (1, 2, 4, 5)


def blanked(data: bytes, blank: tuple[bytes, bytes]) -> bytes:
    """The bytes with the key, wherever it stands and in whatever case, replaced by a cover of the same length."""
    key, cover = blank
    lower, start = data.lower(), 0
    while (found := lower.find(key, start)) >= 0:
        data = data[:found] + cover + data[found + len(key) :]
        start = found + len(key)
    return data
