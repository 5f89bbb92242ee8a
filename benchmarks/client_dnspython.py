"""dnspython's asynchronous resolver, on uvloop: 500 tasks for the list part; with pydnsbl's lists for the whole job.

It needs tenths of a millisecond for each question, so it is given a share of the list part.
"""

from __future__ import annotations

import asyncio

import dns.asyncresolver
import dns.exception
import dns.resolver
import uvloop

from .child import Heard, Job, run
from .client_cares import Survey, pairs, reverse


def resolver(job: Job) -> dns.asyncresolver.Resolver:
    """dnspython's resolver that asks our server."""
    made = dns.asyncresolver.Resolver(configure=False)
    made.nameservers = ["127.0.0.1"]
    made.port = job.port
    made.timeout, made.lifetime = job.timeout_s, job.timeout_s * job.tries
    return made


def tasks(job: Job) -> Heard:
    """As many tasks as questions may be outstanding, at most 500."""
    heard, left = Heard(), pairs(job)

    async def work(asker: dns.asyncresolver.Resolver) -> None:
        for address, zone in left:
            heard.questions += 1
            try:
                await asker.resolve(f"{reverse(address)}.{zone}.", "A")
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                continue
            except dns.exception.DNSException:
                heard.lost += 1
            else:
                heard.listed.add((address, zone))

    async def everything() -> None:
        asker = resolver(job)
        await asyncio.gather(*(work(asker) for _ in range(min(500, job.outstanding))))

    uvloop.run(everything())
    return heard


class DnspythonSurvey(Survey):
    """The survey with dnspython for names and pydnsbl for lists."""

    def __init__(self, job: Job, heard: Heard) -> None:
        super().__init__(job, heard)
        self._resolver = resolver(job)

    async def exchangers(self, domain: str) -> list[str] | None:
        try:
            found = await self._resolver.resolve(f"{domain}.", "MX")
        except dns.resolver.NXDOMAIN:
            return []
        except dns.resolver.NoAnswer:
            return [domain]
        except dns.exception.DNSException:
            return None
        hosts = (one.exchange.to_text(omit_final_dot=True) for one in found)
        return [host for host in hosts if host not in ("", ".")]

    async def addresses(self, host: str) -> list[str] | None:
        try:
            return [one.address for one in await self._resolver.resolve(f"{host}.", "A")]
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException:
            return None


def whole(job: Job) -> Heard:
    """The whole job with dnspython and pydnsbl."""
    heard = Heard()

    async def everything() -> None:
        await DnspythonSurvey(job, heard).run(job.read_domains())

    uvloop.run(everything())
    return heard


if __name__ == "__main__":
    run({"dnspython": tasks, "whole": whole})
