"""Forms as people send them, a few short fields and at most one file, and other bodies: read with a limit on each.

Invariant: never more of a request is held than the limits say, whatever its headers claim.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from node.till.text_decoding import FILE_BYTES_MAX
from node.web.guard import check_form_origin, check_form_token
from protocol.core.errors import Finding, RefusedError

FIELD_BYTES_MAX = 4096
FIELDS_MAX = 8
FILE_NAME_LENGTH_MAX = 200
CHUNK_BYTES = 64 * 1024
FORM_DEADLINE_S = 120
TOKEN_FIELD = "form-token"  # noqa: S105 - the name of a form's field


class SentFile(msgspec.Struct, frozen=True):
    """A file as the browser sent it; the name is only for showing."""

    name: str
    content: bytes


class SentForm(msgspec.Struct, frozen=True):
    """The fields of a form by name, and its file if one was chosen."""

    fields: dict[str, str]
    file: SentFile | None = None


class FormModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model of a page with a form: the form's token, and why the last one was refused (`refusal` empty where none
    was), with the findings that this does not say already and how many were left off."""

    form_token: str = ""
    refusal: str = ""
    findings: tuple[Finding, ...] = ()
    findings_left_off: int = 0


async def read_form(request: web.Request, form_key: bytes, fields_max: int = FIELDS_MAX) -> SentForm:
    """Read a multipart form of this site; RefusedError when it is not ours, HTTP 413 or 415 beyond the limits."""
    check_form_origin(request)
    if request.content_type != "multipart/form-data":
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > FILE_BYTES_MAX + fields_max * FIELD_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(FILE_BYTES_MAX, request.content_length or 0)
    try:
        async with asyncio.timeout(FORM_DEADLINE_S):
            form = await _read_parts(request, fields_max)
    except (ValueError, HttpProcessingError, web.RequestPayloadError) as error:
        raise RefusedError("form: it did not arrive whole") from error
    check_form_token(request, form_key, form.fields.get(TOKEN_FIELD, ""))
    return form


async def _read_parts(request: web.Request, fields_max: int) -> SentForm:
    fields: dict[str, str] = {}
    file: SentFile | None = None
    reader = await request.multipart()
    for _ in range(fields_max):
        part = await reader.next()
        if part is None:
            return SentForm(fields, file)
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise RefusedError("form: it holds a part without a name")
        if part.filename is None:
            fields[part.name] = _decode_field(part.name, await _read_part(part, FIELD_BYTES_MAX))
        elif file is None:
            content = await _read_part(part, FILE_BYTES_MAX)
            file = SentFile(part.filename[:FILE_NAME_LENGTH_MAX], content) if part.filename else None
        else:
            raise RefusedError("form: one file at a time")
    raise RefusedError(f"form: more than {fields_max} parts")


async def read_body(request: web.Request, bytes_max: int, deadline_s: float) -> bytes:
    """The whole body of a request that is no form, within its limit and deadline; HTTP 413 when it is longer, 400 when
    it breaks off or is not packed as it says."""
    try:
        async with asyncio.timeout(deadline_s):
            return await _hold(request.content.iter_chunked(CHUNK_BYTES), bytes_max)
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest from error


async def _read_part(part: BodyPartReader, bytes_max: int) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await part.read_chunk(CHUNK_BYTES):
            yield chunk

    return await _hold(chunks(), bytes_max)


async def _hold(chunks: AsyncIterator[bytes], bytes_max: int) -> bytes:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) > bytes_max:
            raise web.HTTPRequestEntityTooLarge(bytes_max, len(held))
    return bytes(held)


def _decode_field(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise RefusedError.at(f"form, {name}", "not text in UTF-8") from None
