"""Where trio lets the virtual network in: the making of sockets, and the names of hosts."""

from __future__ import annotations

from typing import Any

import trio
from trio import socket as tsocket

from runtime.testing.hosts import Internet
from runtime.testing.sockets import NotModelledError, VirtualSocket


class Sockets(trio.abc.SocketFactory):
    """Makes the sockets of whichever host asks."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    def socket(self, family: int = 0, type: int = 0, proto: int = 0) -> VirtualSocket:  # noqa: A002 - trio's names
        families = (tsocket.AF_INET, tsocket.AF_INET6)
        if family not in families or type != tsocket.SOCK_STREAM:
            raise NotModelledError(
                f"the virtual network has TCP only, no socket({family!r}, {type!r}, {proto!r})"
            )
        return VirtualSocket(self._internet.here(), family, proto)


class Names(trio.abc.HostnameResolver):
    """trio asks for names only; numeric addresses never come here."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    async def getaddrinfo(  # noqa: PLR0917 - trio's signature
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002, ARG002 - trio's signature
        proto: int = 0,  # noqa: ARG002
        flags: int = 0,  # noqa: ARG002
    ) -> Any:
        await trio.lowlevel.checkpoint()
        name = (host or b"").decode().lower()
        if not isinstance(port, int | None):
            raise NotModelledError(f"the virtual network knows no service called {port!r}")
        ips = ["127.0.0.1", "::1"] if name == "localhost" else self._internet.addresses(name)
        answers: list[Any] = []
        for ip in ips:
            address: tuple[Any, ...] = (ip, port or 0)
            answer_family = tsocket.AF_INET
            if ":" in ip:
                address, answer_family = (*address, 0, 0), tsocket.AF_INET6
            if family in (0, answer_family):
                answers.append(
                    (answer_family, tsocket.SOCK_STREAM, tsocket.IPPROTO_TCP, "", address)
                )
        if not answers:
            self._internet.note(f"{name} is unknown")
            raise tsocket.gaierror(tsocket.EAI_NONAME, "Name or service not known")
        return answers

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:  # noqa: ARG002 - the same
        await trio.lowlevel.checkpoint()
        ip, port = sockaddr[:2]
        host = self._internet.host_at(ip)
        return (host.name if host else ip), str(port)
