"""c-ares from Python, in three layers: pycares' raw channel, aiodns' futures, pydnsbl's checker; and a survey of them."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Awaitable, Coroutine, Iterable, Iterator

import aiodns
import pycares
from pydnsbl import DNSBLIpChecker
from pydnsbl.providers import Provider

from .child import ZONES, Heard, Job, Pair, run

NO_DATA, NOT_FOUND = 1, 4
"""c-ares' numbers for a denial: no record of this type, no such name. Everything else is no answer."""

BUFFER = 4 << 20
"""c-ares has one socket; with less room than this it loses answers that come all at once."""


def reverse(address: str) -> str:
    """What stands in front of a list's zone (RFC 5782 §2.1)."""
    return ".".join(reversed(address.split(".")))


def pairs(job: Job) -> Iterator[Pair]:
    """Every address with every list."""
    addresses = job.read_addresses()
    return ((address, zone) for zone in ZONES for address in addresses)


def raw(job: Job) -> Heard:
    """pycares' channel, driven by epoll; callbacks only count."""
    heard, epoll, left = Heard(), select.epoll(), pairs(job)
    known: set[int] = set()
    outstanding = 0

    def changed(fd: int, readable: bool, writable: bool) -> None:
        wanted = select.EPOLLIN * readable | select.EPOLLOUT * writable
        if not wanted:
            known.discard(fd)
            epoll.unregister(fd)
        elif fd in known:
            epoll.modify(fd, wanted)
        else:
            known.add(fd)
            epoll.register(fd, wanted)

    channel = pycares.Channel(
        timeout=job.timeout_s,
        tries=job.tries,
        udp_port=job.port,
        sock_state_cb=changed,
        socket_receive_buffer_size=BUFFER,
    )
    channel.servers = ["127.0.0.1"]

    def ask(pair: Pair) -> None:
        def answered(result: object, error: int | None) -> None:
            nonlocal outstanding
            outstanding -= 1
            if error is None:
                heard.listed.add(pair)
            elif error not in (NO_DATA, NOT_FOUND):
                heard.lost += 1

        heard.questions += 1
        channel.query(f"{reverse(pair[0])}.{pair[1]}", pycares.QUERY_TYPE_A, answered)

    is_open = True
    while is_open or outstanding:
        while is_open and outstanding < job.outstanding:
            pair = next(left, None)
            if pair is None:
                is_open = False
            else:
                outstanding += 1
                ask(pair)
        events = epoll.poll(0.05)
        for fd, event in events:
            channel.process_fd(
                fd if event & ~select.EPOLLOUT else pycares.ARES_SOCKET_BAD,
                fd if event & select.EPOLLOUT else pycares.ARES_SOCKET_BAD,
            )
        if not events:
            channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
    channel.close()
    return heard


def resolver(job: Job, timeout_s: float, tries: int) -> aiodns.DNSResolver:
    """aiodns' resolver that asks our server."""
    return aiodns.DNSResolver(
        nameservers=["127.0.0.1"],
        udp_port=job.port,
        tcp_port=job.port,
        timeout=timeout_s,
        tries=tries,
        socket_receive_buffer_size=BUFFER,
    )


def futures(job: Job) -> Heard:
    """aiodns: one future a question, as many workers as questions may be outstanding."""
    heard, left = Heard(), pairs(job)

    async def work(asker: aiodns.DNSResolver) -> None:
        for address, zone in left:
            heard.questions += 1
            try:
                await asker.query(f"{reverse(address)}.{zone}", "A")
            except aiodns.error.DNSError as error:
                heard.lost += error.args[0] not in (NO_DATA, NOT_FOUND)
            else:
                heard.listed.add((address, zone))

    async def everything() -> None:
        asker = resolver(job, job.timeout_s, job.tries)
        await asyncio.gather(*(work(asker) for _ in range(job.outstanding)))

    asyncio.run(everything())
    return heard


class Checker:
    """pydnsbl's checker of the twelve lists, asking our server."""

    def __init__(self, job: Job, heard: Heard, concurrency: int, timeout_s: float, tries: int) -> None:
        self._heard = heard
        self._checker = DNSBLIpChecker(
            providers=[Provider(zone) for zone in ZONES],
            timeout=timeout_s,
            tries=tries,
            concurrency=concurrency,
            loop=asyncio.get_running_loop(),
        )
        self._checker._resolver = resolver(job, timeout_s, tries)

    async def check(self, address: str) -> None:
        """Ask every list about one address."""
        result = await self._checker.check_async(address)
        self._heard.questions += len(ZONES)
        failed = {provider.host for provider in result.failed_providers}
        self._heard.lost += len(failed)
        self._heard.listed.update((address, zone) for zone in result.detected_by if zone not in failed)


def checker(job: Job) -> Heard:
    """pydnsbl's bulk check, its defaults but for the server: 200 outstanding, 5 s, 2 tries."""
    heard = Heard()

    async def everything() -> None:
        one = Checker(job, heard, concurrency=200, timeout_s=5, tries=2)
        await asyncio.gather(*(one.check(address) for address in job.read_addresses()))

    asyncio.run(everything())
    return heard


class Survey:
    """MX, then A, then the lists, each name and address once, none waiting for the end of a stage."""

    def __init__(self, job: Job, heard: Heard) -> None:
        self._job, self._heard = job, heard
        self._places = asyncio.Semaphore(job.outstanding)
        self._checker = Checker(job, heard, job.outstanding, job.timeout_s, job.tries)
        self._begun: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, domains: Iterable[str]) -> None:
        """Survey these domains."""
        for domain in domains:
            self._once(domain, self._domain(domain))
        # Tasks begin others: go on until none is left.
        while self._tasks:
            tasks, self._tasks = self._tasks, []
            await asyncio.gather(*tasks)

    async def exchangers(self, domain: str) -> list[str] | None:
        """The hosts of a domain's MX, nothing for null MX and for no such name; None when nobody answered."""
        raise NotImplementedError

    async def addresses(self, host: str) -> list[str] | None:
        """The IPv4 addresses of a host; None when nobody answered."""
        raise NotImplementedError

    def _once(self, name: str, coroutine: Coroutine[object, object, None]) -> None:
        if name in self._begun:
            coroutine.close()
            return
        self._begun.add(name)
        self._tasks.append(asyncio.create_task(coroutine))

    async def _domain(self, domain: str) -> None:
        for host in await self._asked(self.exchangers(domain)):
            self._once(f"{host} A", self._host(host))

    async def _host(self, host: str) -> None:
        for address in await self._asked(self.addresses(host)):
            self._once(address, self._checker.check(address))

    async def _asked(self, question: Awaitable[list[str] | None]) -> list[str]:
        async with self._places:
            self._heard.asks()
            found = await question
        self._heard.questions += 1
        self._heard.lost += found is None
        return found or []


class AiodnsSurvey(Survey):
    """The survey with aiodns for names and pydnsbl for lists."""

    def __init__(self, job: Job, heard: Heard) -> None:
        super().__init__(job, heard)
        self._resolver = resolver(job, job.timeout_s, job.tries)

    async def exchangers(self, domain: str) -> list[str] | None:
        try:
            found = await self._resolver.query(domain, "MX")
        except aiodns.error.DNSError as error:
            # No MX: the domain itself takes its mail, if it has an address (RFC 5321 §5.1).
            return {NO_DATA: [domain], NOT_FOUND: []}.get(error.args[0])
        return [one.host for one in found if one.host not in ("", ".")]

    async def addresses(self, host: str) -> list[str] | None:
        try:
            return [one.host for one in await self._resolver.query(host, "A")]
        except aiodns.error.DNSError as error:
            return [] if error.args[0] in (NO_DATA, NOT_FOUND) else None


def whole(job: Job) -> Heard:
    """The whole job with aiodns and pydnsbl."""
    heard = Heard()

    async def everything() -> None:
        await AiodnsSurvey(job, heard).run(job.read_domains())

    asyncio.run(everything())
    return heard


if __name__ == "__main__":
    run({"pycares": raw, "aiodns": futures, "pydnsbl": checker, "whole": whole})
