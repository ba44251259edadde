"""Posting to a stranger's server: one bounded request, one bounded answer.

Invariant: only https, or this very machine; no redirect is followed, nothing is unpacked, no cookie or proxy is used.
Invariant: no answer is read beyond its limit nor waited for beyond its time; every failure is a PeerError in words.
Spec: docs/spec/log/cosigning.md
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from protocol.core.errors import PeerError, RefusedError

URL_LENGTH_MAX: Final = 1_000
CONNECT_WAIT_S: Final = 10.0
CHUNK_BYTES: Final = 16_384
HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "rochdale"}


class WebAnswer(NamedTuple):
    """An answer: status, content type without parameters, body."""

    status: int
    content_type: str
    body: bytes


def parse_url(url: str) -> str:
    """An address as it is asked: https, or http on this very machine, without a slash at its end; else RefusedError."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError:
        port_is_right = False
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url or not port_is_right:
        raise RefusedError.at("url", "not an address of the form https://host/path")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise RefusedError.at("url", "not an address of the form https://host/path")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise RefusedError.at("url", "must be https; http is for this machine's own addresses alone")
    return url.rstrip("/")


class WebClient:
    """Requests to witnesses and mirrors, over connections that are kept between two of them."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes | AsyncIterator[bytes], bytes_max: int, wait_s: float, **headers: str
    ) -> WebAnswer:
        """The answer to a body, which may come in pieces; PeerError where there is none in time and within bounds."""
        try:
            async with asyncio.timeout(wait_s):
                async with self._open().post(url, data=body, allow_redirects=False, headers=headers) as answer:
                    return WebAnswer(answer.status, answer.content_type, await _read(answer, bytes_max))
        except TimeoutError:
            raise PeerError(f"did not answer in {wait_s:g} seconds") from None
        except aiohttp.ClientConnectorCertificateError:
            raise PeerError("its certificate is not one that this machine trusts") from None
        except aiohttp.ClientConnectorError as error:
            raise PeerError(f"cannot be reached: {error.os_error.strerror or 'no such address'}") from None
        except (aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
            raise PeerError(f"broke off: {type(error).__name__}") from None

    async def stop(self) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WAIT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=HEADERS,
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _read(answer: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    held = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        held += chunk
        if len(held) > bytes_max:
            answer.close()
            raise PeerError(f"answered with more than {bytes_max} bytes")
    return bytes(held)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
