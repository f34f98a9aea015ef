"""Serves the page before authentication: it shows the login."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import header, refuse
from keyhole.api.page import PageFile, PageFolder

_NOT_BUILT = (
    "This Keyhole was installed without its page; the API works at /api/v1.\n\n"
    "In a checkout, ./dev setup builds the page where Node 20.19 or newer is installed. Then load\n"
    "this address again.\n"
)


class PageServer:
    """Answers what is not below ``/api`` with files of the page, and passes everything else on."""

    def __init__(self, app: ASGIApp, folder: PageFolder) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only reads: a method other than GET and HEAD is left to the API, which refuses it."""
        path: str = scope["path"]
        # In any case of letters: a misspelled route of the API is refused, not answered by a page.
        is_api = f"{path.lower()}/".startswith("/api/")
        if is_api or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        found = await run_in_threadpool(self._folder.find, path)
        if found is not None:
            response = await run_in_threadpool(_response, found, scope)
        elif self._folder.is_built():
            await refuse(scope, receive, send, 404, "not_found", "the page has no such file")
            return
        else:
            response = PlainTextResponse(_NOT_BUILT, 503)
        await response(scope, receive, send)


def _response(file: PageFile, scope: Scope) -> Response:
    headers = {"cache-control": file.cache_control, "etag": file.etag, "vary": "accept-encoding"}
    if file.etag in (header(scope, b"if-none-match") or ""):
        return Response(status_code=304, headers=headers)
    content = file.content
    if _takes_gzip(scope) and file.compressed is not None:
        content = file.compressed
        headers["content-encoding"] = "gzip"
        # A compressed form is another representation (RFC 9110 section 8.8.3.3).
        headers["etag"] = f"W/{file.etag}"
    return Response(content, headers=headers, media_type=file.media_type)


def _takes_gzip(scope: Scope) -> bool:
    for coding in (header(scope, b"accept-encoding") or "").split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
