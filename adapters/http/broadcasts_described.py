"""What `/openapi.json` says of `/v1/admin/broadcasts...`."""

from __future__ import annotations

from actors.broadcasts.model import (
    BUTTONS_MAX,
    BUTTONS_PER_ROW_MAX,
    CHAT_IDS_MAX,
    SOURCE_CHARACTERS_MAX,
    Outcome,
    State,
)
from actors.kernel.language import Language
from actors.sessions.model import State as Stand
from adapters.http.asking import IDEMPOTENCY_KEY, NUMBER_MAX
from adapters.http.broadcasts import BROADCASTS
from adapters.http.composing import MEDIA, NAME_MAX_CHARACTERS, NAMES_MAX
from adapters.http.described import BUSY, LIMIT, PROBLEM, WHY, Json, guarded, json, posting, query

_WHY: Json = WHY["properties"]["why"]
_MOMENT: Json = {"type": "string", "format": "date-time"}
_NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}
_CONTENT: Json = {
    "text": {
        "type": "string",
        "description": "HTML as Telegram takes it, with placeholders such as {first_name|friend}; "
        f"up to {SOURCE_CHARACTERS_MAX} characters",
    },
    "media": {
        "type": ["object", "null"],
        "properties": {"kind": {"enum": list(MEDIA)}, "file": {"type": "string"}},
        "required": ["kind", "file"],
        "description": "a file_id, or an https address",
    },
    "buttons": {
        "type": ["array", "null"],
        "items": {"type": "array", "items": {"type": "object"}},
        "description": 'rows of {"text": "...", "url": "..."}; '
        f"up to {BUTTONS_PER_ROW_MAX} in a row, and {BUTTONS_MAX} in all",
    },
}


def _names(schema: Json) -> Json:
    return {"type": "array", "items": schema, "description": f"up to {NAMES_MAX}"}


_AUDIENCE: Json = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "description": "those to whom all of it applies; everybody without",
    "properties": {
        "chat_ids": {
            "type": "array",
            "items": {"type": "integer"},
            "description": f"these only, up to {CHAT_IDS_MAX}",
        },
        "languages": _names({"enum": [language.value for language in Language]}),
        "states": _names({"enum": [state.value for state in Stand]}),
        "products": _names({"type": "string", "minLength": 1, "maxLength": NAME_MAX_CHARACTERS}),
        "active_since": {**_MOMENT, "type": ["string", "null"]},
    },
}
_FLAG: Json = {"type": "boolean", "default": False}
_CREATE: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **_CONTENT,
        "audience": _AUDIENCE,
        "starts_at": {**_MOMENT, "type": ["string", "null"], "description": "at once without"},
        "at_least_once": {**_FLAG, "description": "somebody may get two, nobody gets none"},
        "paid": {**_FLAG, "description": "Telegram may bill it"},
        "hold": {**_FLAG, "description": "wait for a resume once it was checked"},
        "why": _WHY,
    },
}
_EDIT: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**_CONTENT, "why": _WHY},
    "required": ["why"],
}
_RETRY: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"why": _WHY, "unknown": {**_FLAG, "description": "also where it may be there"}},
    "required": ["why"],
}
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
    "description": "sent again under the same key, it is one broadcast",
}
_DOES = {
    "pause": "No further request begins.",
    "resume": "Go on, or begin.",
    "cancel": "Who is pending gets nothing.",
    "delete": "Send nothing more, and take back what was sent, as a broadcast of its own.",
}


def broadcast_paths() -> Json:
    """The routes, described."""
    errors = {"400": PROBLEM, "401": PROBLEM, "403": PROBLEM, "503": BUSY}
    done = {"200": json({"type": "object"}), **errors, "409": PROBLEM}
    found = {"200": json({"type": "object"}), **errors, "404": PROBLEM}
    broadcast_id = {"name": "broadcast_id", "in": "path", "required": True, "schema": _NUMBER}
    one, at = f"{BROADCASTS}/{{broadcast_id}}", [broadcast_id]
    acted = {**done, "404": PROBLEM}
    states = {"type": "array", "items": {"enum": [state.value for state in State]}}
    outcomes = {"type": "array", "items": {"enum": [outcome.value for outcome in Outcome]}}
    listing = guarded(
        "Broadcasts, the newest first.",
        {"200": json({"type": "object", "required": ["broadcasts", "next"]}), **errors},
        parameters=[
            query("state", states, "that stand so"),
            query("before", _NUMBER, "the page before this one"),
            query("limit", LIMIT, "how many"),
        ],
    )
    recipients = guarded(
        "Whom it is for, by chat id, and what became of each.",
        found,
        parameters=[
            broadcast_id,
            query("outcome", outcomes, "who stand so"),
            query("after", {"type": "integer"}, "the page behind this chat"),
            query("limit", LIMIT, "how many"),
        ],
    )
    return {
        BROADCASTS: listing | posting("Begin a broadcast.", done, _CREATE, parameters=[_KEY]),
        one: guarded("One broadcast, and what operators did to it.", found, parameters=at),
        f"{one}/recipients": recipients,
        f"{one}/retry-failed": posting("Try again where it failed.", acted, _RETRY, parameters=at),
        f"{one}/edit": posting(
            "Send something else, and change what was sent.", acted, _EDIT, parameters=at
        ),
        **{
            f"{one}/{verb}": posting(told, acted, WHY, parameters=at)
            for verb, told in _DOES.items()
        },
    }
