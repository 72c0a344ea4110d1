"""What `/openapi.json` says of `/v1/admin/messages` and `/v1/admin/relay...`."""

from __future__ import annotations

from actors.relay.messages import EventState, NoteState
from adapters.http.asking import IDEMPOTENCY_KEY, NUMBER_MAX
from adapters.http.described import (
    BUSY,
    LIMIT,
    PROBLEM,
    WRITERS,
    Json,
    guarded,
    json,
    posting,
    query,
)
from adapters.http.notes import MESSAGES, TEXT_UNITS_MAX, USER_ID_MAX
from adapters.http.relay import RELAY

_ERRORS: Json = {"400": PROBLEM, "401": PROBLEM, "403": PROBLEM, "503": BUSY}
_NOTHING: Json = {"type": "object", "additionalProperties": False}
_USER: Json = {"type": "integer", "minimum": 1, "maximum": USER_ID_MAX}
_MESSAGE: Json = {
    "type": "object",
    "properties": {
        "message_id": {"type": "string", "format": "uuid"},
        "user_id": _USER,
        "state": {"enum": [state.value for state in NoteState]},
        "detail": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
        "settled_at": {"type": ["string", "null"], "format": "date-time"},
        "telegram_message_id": {"type": ["integer", "null"]},
    },
    "required": ["message_id", "user_id", "state"],
}
_WRITE: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "user_id": _USER,
        "text": {
            "type": "string",
            "minLength": 1,
            "maxLength": TEXT_UNITS_MAX,
            "description": "plain text",
        },
    },
    "required": ["user_id", "text"],
}


def relay_paths() -> Json:
    """The routes, described."""
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
        "description": "sent again under the same key, it is one message",
    }
    message_id, event_id = (
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("message_id", "event_id")
    )
    done: Json = {"200": json({"type": "object"}), **_ERRORS, "409": PROBLEM}
    states = {"enum": [state.value for state in EventState]}
    return {
        MESSAGES: posting(
            "Have a text reach a user; answered once it is durable.",
            {"202": json(_MESSAGE), **_ERRORS, "409": PROBLEM, "429": BUSY},
            _WRITE,
            parameters=[key],
            security=WRITERS,
        ),
        f"{MESSAGES}/{{message_id}}": guarded(
            "What became of it.",
            {"200": json(_MESSAGE), **_ERRORS, "404": PROBLEM},
            parameters=[message_id],
        ),
        f"{RELAY}/events": guarded(
            "What was relayed, the newest first.",
            {"200": json({"type": "object", "required": ["events", "next"]}), **_ERRORS},
            parameters=[
                query("state", states, "that stand so"),
                query(
                    "before",
                    {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX},
                    "the page before this place",
                ),
                query("limit", LIMIT, "how many"),
            ],
        ),
        f"{RELAY}/events/{{event_id}}/replay": posting(
            "Send a parked event again.", {**done, "404": PROBLEM}, _NOTHING, parameters=[event_id]
        ),
        f"{RELAY}/replay": posting("Send every parked event again.", done, _NOTHING),
        f"{RELAY}/resume": posting("The webhook listens again: go on now.", done, _NOTHING),
        f"{RELAY}/prune": posting("Forget what was delivered long ago.", done, _NOTHING),
    }
