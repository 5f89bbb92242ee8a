"""One file from an https address: the only thing the survey ever takes from the web, when a user names it."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from ..errors import RegisterError

MOST = 20 << 20
"""Octets at most; the public list of websites has less than one million."""
_TIMEOUT_S = 30.0


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https, and to nothing else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise urllib.error.URLError(f"it redirects to {newurl[:100]}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(address: str, folder: Path) -> Path:
    """Fetch a file into a folder, under the name its address ends with. Raises RegisterError."""
    parts = urlsplit(address)
    if parts.scheme != "https":
        raise _error(address, "only https addresses are fetched")
    suffix = PurePosixPath(parts.path).suffix.lower()
    target = folder / f"websites{suffix if suffix in ('.csv', '.xlsx', '.tsv', '.txt') else '.csv'}"
    request = urllib.request.Request(address, headers={"User-Agent": "municipal-mail-survey"})  # noqa: S310
    try:
        with urllib.request.build_opener(_OnlyHttps).open(request, timeout=_TIMEOUT_S) as answer:
            data: bytes = answer.read(MOST + 1)
    except (OSError, ValueError, HTTPException) as error:
        raise _error(address, f"the file cannot be fetched: {error}") from None
    if len(data) > MOST:
        raise _error(address, f"the file is larger than {MOST >> 20} MiB")
    target.write_bytes(data)
    return target


def _error(address: str, what: str) -> RegisterError:
    return RegisterError(
        what,
        where=address[:200],
        remedy="fetch the file yourself and name it: --websites FILE",
        ja="ファイルを取得できません。ご自分で保存し、--websites にファイル名を指定してください",
    )
