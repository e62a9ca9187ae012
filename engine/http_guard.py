"""Who may ask the local server, and how much: judged by a request's head alone, before its body is read.

A web page in the browser of this computer can reach a loopback port. It is kept out by the names it cannot choose:

    Host              must be this server's own address: a foreign name made to lead here (DNS rebinding) is not
    Origin            none, or this server's own: pages always send theirs
    Sec-Fetch-Site    none, or "none" / "same-origin": browsers say so even where they send no Origin
    Content-Type      must be JSON: what a form can send without asking first is not
    Authorization     the key, where there is one

Knows headers; must not know sockets, models or what is asked.
"""

from __future__ import annotations

import hmac
from email.message import Message

from engine.contracts.plain_fields import shown
from engine.openai_format.refusals import RefusedRequest

BODY_BYTES = 1 << 20  # a whole novel; contexts hold a part of one
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_DIGITS = 12  # of a length


def check_head(headers: Message, port: int, key: str | None) -> None:
    """Raises `RefusedRequest` for whoever may not ask."""
    own = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())
    hosts = headers.get_all("Host", [])
    if len(hosts) != 1 or hosts[0].strip().lower() not in own:
        raise RefusedRequest(
            f"the Host is {shown(hosts[0]) if hosts else 'missing'}; only this computer's own address may ask: "
            f"use http://127.0.0.1:{port}/v1",
            403,
            "foreign_host",
        )
    origins = headers.get_all("Origin", [])
    if any(origin.strip().lower() not in {f"http://{name}" for name in own} for origin in origins):
        message = f"the request comes from a page of {shown(origins[0])}; web pages may not use this server"
        raise RefusedRequest(message, 403, "foreign_origin")
    if any(site.strip().lower() not in ("none", "same-origin") for site in headers.get_all("Sec-Fetch-Site", [])):
        raise RefusedRequest(
            "the request comes from another web page; those may not use this server", 403, "foreign_page"
        )
    if key is not None:
        _check_key(headers, key)


def body_length(headers: Message) -> int:
    """How many bytes follow. Raises `RefusedRequest` where that is not said, not plain or too much."""
    lengths = headers.get_all("Content-Length", [])
    if headers.get_all("Transfer-Encoding") or not lengths:
        raise RefusedRequest("the length of the body is not given; send it with Content-Length", 411, "no_length")
    length = lengths[0].strip()
    if len(lengths) > 1 or not (length.isascii() and length.isdecimal() and len(length) <= _DIGITS):
        raise RefusedRequest("Content-Length is no plain number; send one", 400, "wrong_length")
    if int(length) > BODY_BYTES:
        raise RefusedRequest(f"the body has {length} bytes; send at most {BODY_BYTES}", 413, "body_too_large")
    kind = headers.get_content_type() if headers.get_all("Content-Type") else "missing"
    if kind != "application/json":
        raise RefusedRequest(f"the Content-Type is {shown(kind)}; send application/json", 415, "not_json")
    return int(length)


def _check_key(headers: Message, key: str) -> None:
    """Compared in a time that does not depend on where they differ."""
    given = headers.get_all("Authorization", [])
    scheme, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    is_right = hmac.compare_digest(secret.strip().encode("utf-8", "replace"), key.encode())
    if scheme.lower() != "bearer" or not is_right:
        message = "the key is missing or wrong; send the one that the server was started with as Authorization: Bearer"
        raise RefusedRequest(message, 401, "invalid_api_key")
