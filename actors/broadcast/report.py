"""How the dispatcher's condition reads to those who watch. Pure."""

from __future__ import annotations

from actors.broadcast.desk import QUEUE_MAX_LETTERS, Figures
from actors.broadcast.model import Flooded, NotSent, Unknown
from actors.operations import messages as operations

COMPONENT = "telegram.dispatcher"

QUEUE_WARN_LETTERS = QUEUE_MAX_LETTERS * 4 // 5

TROUBLES_FAIL = 5
"""So many fruitless attempts in a row, each alone, take about eight seconds."""

Trouble = Flooded | NotSent | Unknown
"""An outcome after which a letter is repeated."""

LOST_REASONS = ("blocked", "gone", "refused", "unknown")


def reported(figures: Figures, trouble: Trouble | None) -> operations.Reported:
    """The report; `trouble` is what was met last, and counts while nothing has disproved it."""
    status, output = _judged(figures, trouble)
    return operations.Reported(
        component=COMPONENT, status=status, output=output, measurements=_measured(figures)
    )


def _judged(figures: Figures, trouble: Trouble | None) -> tuple[operations.Status, str]:
    if figures.depth >= QUEUE_MAX_LETTERS:
        return "fail", f"{figures.depth} letters wait and new ones are turned away: send less"
    if figures.troubles and trouble is not None:
        seconds = f"{figures.shut_seconds:.0f} s"
        if isinstance(trouble, Flooded):
            return "warn", f"Telegram asked for a pause; the next letter leaves in {seconds}"
        status: operations.Status = "fail" if figures.troubles >= TROUBLES_FAIL else "warn"
        return status, f"Telegram is not reached, next try in {seconds}: {trouble.detail}"
    if figures.depth >= QUEUE_WARN_LETTERS:
        return "warn", f"{figures.depth} of at most {QUEUE_MAX_LETTERS} letters wait: send less"
    return "pass", ""


def _measured(figures: Figures) -> tuple[operations.Measurement, ...]:
    totals = figures.totals
    named: dict[str, float] = {
        "queued_letters": figures.depth,
        "queued_chats": figures.chats,
        "oldest_letter_age_seconds": figures.oldest_age_seconds,
        "deliveries_in_flight": figures.in_flight,
        "tokens_left": figures.tokens_left,
        "closed_chats": figures.closed_chats,
        "pause_seconds": figures.shut_seconds,
        "letters_delivered_total": totals.delivered,
        "deliveries_repeated_total": totals.repeated,
        "flood_waits_total": totals.flooded,
        "edits_overtaken_total": totals.overtaken,
        "callback_answers_dropped_total": figures.dropped,
        "letters_turned_away_total": totals.turned_away,
    }
    for reason in LOST_REASONS:
        named[f"letters_{reason}_total"] = totals.lost[reason]
    return tuple(operations.Measurement(name=name, value=value) for name, value in named.items())
