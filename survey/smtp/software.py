"""Which software a mail server says it is, from its greeting. What it does not say stays unknown.

The words are those of the programs' own default greetings. A greeting can be changed by whoever runs the server, so
this is what the server said, never what it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSION = r"(?P<version>v?\d[\w.+-]{0,30})"
_KNOWN: tuple[tuple[str, str], ...] = (
    ("Postfix", rf"\bPostfix\b(?:[ /(]+{_VERSION})?"),
    ("Exim", rf"\bExim\b(?: {_VERSION})?"),
    ("Sendmail", rf"\bSendmail\b(?:[ /(]*(?:AIX|UCX|SMI)?[ /-]*{_VERSION})?"),
    ("OpenSMTPD", rf"\bOpenSMTPD\b(?: {_VERSION})?"),
    ("Microsoft Exchange", rf"Microsoft E?SMTP MAIL Service(?:, Version: {_VERSION})?"),
    ("Microsoft Exchange", rf"\bMicrosoft Exchange\b(?: Internet Mail \w+)?(?: {_VERSION})?"),
    ("qmail", rf"\b(?:net)?qmail\b(?:[ /-]{_VERSION})?"),
    ("Lotus Domino", rf"\b(?:Lotus|IBM|HCL) Domino Release {_VERSION}"),
    ("MDaemon", rf"\bMDaemon\b(?:[^;]*? {_VERSION})?"),
    ("hMailServer", rf"\bhMailServer\b(?: {_VERSION})?"),
    ("CommuniGate Pro", rf"\bCommuniGate Pro\b(?: {_VERSION})?"),
    ("Kerio Connect", rf"\bKerio (?:Connect|MailServer)\b(?: {_VERSION})?"),
    ("MailEnable", rf"\bMailEnable\b(?: Service, Version: {_VERSION})?"),
    ("IMail", rf"\bIMail\b(?: {_VERSION})?"),
    ("GroupWise", rf"\bGroupWise\b[\w ]*?(?: {_VERSION})?"),
    ("InterScan", rf"\b(?:InterScan|IMSVA|IMSS)\b(?:[\w ]*? {_VERSION})?"),
    ("Haraka", rf"\bHaraka\b(?:[/ ]{_VERSION})?"),
    ("Courier", rf"\bCourier\b(?:[/ ]{_VERSION})?"),
    ("XMail", rf"\bXMail\b(?: {_VERSION})?"),
    ("Apache James", rf"\bJAMES\b(?: SMTP Server)?(?: {_VERSION})?"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.I)) for name, pattern in _KNOWN)
_MOST = 500


class Software(NamedTuple):
    """What a server said it runs; None for what it did not say."""

    name: str | None
    version: str | None


def software(greeting: str) -> Software:
    """The software and version in a greeting's text, without its code; its first word is the server's name."""
    first, _, rest = greeting[:_MOST].partition(" ")
    text = rest if "." in first or not rest else f"{first} {rest}"
    for name, pattern in _PATTERNS:
        if found := pattern.search(text):
            version = found.groupdict().get("version")
            return Software(name, version.removeprefix("v").rstrip(".") if version else None)
    return Software(None, None)
