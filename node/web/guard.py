"""What every answer must carry and every request must keep: security headers, the host's name, the origin of a form.

Invariant: no page runs a script or fetches anything from elsewhere; the browser is told to refuse it too.
Invariant: a request that names another host is refused, so that a page elsewhere cannot reach a node on loopback by
pointing its own name at it; a form is taken only from our own pages.
"""

import hmac
from hashlib import blake2b
from http.cookies import CookieError
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from protocol.core.errors import RefusedError

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers send `Origin: null` on our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "rochdale",
}
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
FORM_COOKIE = "rochdale-form"
FORM_NONCE_BYTES = 16
FORM_NONCE_LENGTH = 2 * FORM_NONCE_BYTES
HOST_LENGTH_MAX = 255
_DIGITS = frozenset("0123456789abcdef")


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer, errors included; pages are never kept by a cache."""
    for name, value in SECURITY_HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")


def is_known_host(request: web.Request, hosts: frozenset[str] | None) -> bool:
    """Whether the Host header is well formed and names this node, on any port; `hosts` None knows every name."""
    name = host_name(request.headers.get("Host", ""))
    return name is not None and (hosts is None or name in hosts)


def is_near(request: web.Request) -> bool:
    """Whether a browser on this very machine sends this to this machine's own name."""
    try:
        from_here = ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
    return from_here and is_known_host(request, LOOPBACK_HOSTS)


def host_name(host: str) -> str | None:
    """The name in a Host header, without port and brackets; None when it is not one."""
    if not host or len(host) > HOST_LENGTH_MAX:
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def check_form_origin(request: web.Request) -> None:
    """RefusedError unless the browser says that the form came from a page of this very address."""
    origin = request.headers.get("Origin")
    if origin is not None:
        if urlsplit(origin).netloc != request.headers.get("Host"):
            raise RefusedError("Origin: this form was sent from another site")
    elif request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise RefusedError("Sec-Fetch-Site: this form was sent from another site")


def form_token(form_key: bytes, nonce: str) -> str:
    """The token of a form for the visitor whose cookie holds this nonce."""
    return blake2b(nonce.encode(), key=form_key, digest_size=32, person=b"rochdale form").hexdigest()


def form_nonce(request: web.Request) -> str | None:
    """The nonce in the visitor's cookie, None when there is none or it is not one of ours."""
    try:
        nonce = request.cookies.get(FORM_COOKIE, "")
    except CookieError:
        return None
    return nonce if len(nonce) == FORM_NONCE_LENGTH and set(nonce) <= _DIGITS else None


def check_form_token(request: web.Request, form_key: bytes, sent: str) -> None:
    """RefusedError unless the form carries the token that belongs to the visitor's cookie."""
    nonce = form_nonce(request)
    if nonce is None or not hmac.compare_digest(form_token(form_key, nonce).encode(), sent.encode()):
        raise RefusedError("form: it was opened too long ago or elsewhere; open the page again and send it once more")


def set_form_cookie(response: web.StreamResponse, nonce: str) -> None:
    """Give the visitor the nonce that the forms of this browser are bound to."""
    response.set_cookie(FORM_COOKIE, nonce, httponly=True, samesite="Strict", path="/")
