"""dnspython, where bytes that strangers sent reach it: it raises `Malformed` and nothing else, and forgets no type.

dnspython loads its reader of a type when it first meets one, by class and type. Meeting a record of class ANY (255)
first, it finds none, remembers that for every class, and from then on takes whatever stands in such a record. So all
readers are loaded before the first message.
"""

from __future__ import annotations

import dns.exception
import dns.message
import dns.rdata

from .names import Malformed

_ERRORS = (dns.exception.DNSException, ValueError, IndexError, KeyError, AttributeError)

dns.rdata.load_all_types()  # type: ignore[no-untyped-call]


def check(klass: int, type_: int, message: bytes, at: int, size: int) -> None:
    """Say whether the data of one record are well formed; raises `Malformed`."""
    try:
        dns.rdata.from_wire(klass, type_, message, at, size)  # type: ignore[arg-type]
    except _ERRORS as error:
        raise Malformed(f"a record of type {type_} cannot be read: {type(error).__name__}") from None


def read_message(data: bytes) -> dns.message.Message:
    """A whole message as dnspython reads it; raises `Malformed`."""
    try:
        return dns.message.from_wire(data)
    except _ERRORS as error:
        raise Malformed(type(error).__name__) from None
