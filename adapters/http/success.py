"""The page to which a payer's browser comes back: `GET /payments/success?token=...`.

It shows how the order stands now, in the language of the order, and proves nothing: payments are
known from providers alone. Whoever has the token (`payments.tokens`) may see the page; it names
what was bought and its price, and nothing of what was delivered or of who paid. That it is not
kept, and that its address goes to nobody else, is said to browsers on every answer (`limits`).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from actors.kernel.failures import Unavailable
from actors.kernel.language import Language, Phrase, language_of
from actors.payments.orders import ALIVE, DONE, Order
from actors.payments.ports import Orders
from actors.payments.tokens import Invalid, SuccessTokens
from actors.payments.views import reference, text_of

PATH = "/payments/success"
REFRESH_SECONDS = 5
"""A page whose order may still change is loaded again by the browser after this."""
RETRY_AFTER_SECONDS = 10

BACK = Phrase(
    ru="Можно закрыть эту страницу и вернуться в Telegram.",
    uk="Цю сторінку можна закрити й повернутися до Telegram.",
    en="You can close this page and go back to Telegram.",
)
NUMBER = Phrase(ru="Заказ", uk="Замовлення", en="Order")
NO_ORDER = Phrase(
    ru="Эта ссылка больше не действует. Как обстоят дела с заказом, видно в Telegram: /orders",
    uk="Це посилання більше не діє. Стан замовлення видно в Telegram: /orders",
    en="This link is not valid any more. Telegram shows how your order stands: /orders",
)
AWAY = Phrase(
    ru="Сейчас мы не можем показать заказ. Страница обновится сама.",
    uk="Зараз ми не можемо показати замовлення. Сторінка оновиться сама.",
    en="We cannot show your order just now. This page will reload by itself.",
)

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;"
    "color:#222;background:#fff}p{white-space:pre-line}h1{font-size:1.3rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}}"
)
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
}


def success_routes(
    *, orders: Orders, tokens: SuccessTokens, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return the route of this page; `now` is aware."""
    page = _Page(orders, tokens, now)
    return [Route(PATH, page.show, methods=["GET"])]  # starlette adds HEAD


class _Page:
    def __init__(self, orders: Orders, tokens: SuccessTokens, now: Callable[[], datetime]) -> None:
        self._orders, self._tokens, self._now = orders, tokens, now

    async def show(self, request: Request) -> Response:
        """One token, one order; everything else is the same answer for everybody."""
        sent = request.query_params.getlist("token")
        read = self._tokens.read(sent[0] if len(sent) == 1 else "", now=self._now())
        spoken = _spoken(request)
        if isinstance(read, Invalid):
            return _html(HTTPStatus.NOT_FOUND, spoken, NO_ORDER.in_language(spoken))
        try:
            order = await self._orders.load(read)
        except Unavailable:
            headers = {"retry-after": str(RETRY_AFTER_SECONDS), "refresh": str(RETRY_AFTER_SECONDS)}
            text = AWAY.in_language(spoken)
            return _html(HTTPStatus.SERVICE_UNAVAILABLE, spoken, text, headers=headers)
        if order is None:
            return _html(HTTPStatus.NOT_FOUND, spoken, NO_ORDER.in_language(spoken))
        return _of(order)


def _of(order: Order) -> Response:
    back = BACK.in_language(order.language)
    headers = {"refresh": str(REFRESH_SECONDS)} if order.state in ALIVE else {}
    return _html(
        HTTPStatus.OK,
        order.language,
        text_of(order) + (f"\n\n{escape(back)}" if order.state in DONE else ""),
        title=f"{NUMBER.in_language(order.language)} {reference(order)}",
        headers=headers,
    )


def _html(
    status: HTTPStatus,
    language: Language,
    text: str,
    *,
    title: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make the page; `text` is HTML already, `title` is plain."""
    heading = f"<h1>{escape(title)}</h1>" if title else ""
    body = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title or 'Telegram')}</title><style>{_STYLE}</style></head>"
        f'<body>{heading}<p role="status">{text}</p></body></html>\n'
    )
    return HTMLResponse(body, status, headers={**_HEADERS, **(headers or {})})


def _spoken(request: Request) -> Language:
    """What the browser asks for first, where no order says it."""
    asked = request.headers.get("accept-language", "")
    return language_of(asked.partition(",")[0].partition(";")[0].strip())
