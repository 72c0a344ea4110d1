"""How the dispatcher's condition reads to those who watch. Pure."""

from __future__ import annotations

from actors.broadcast.desk import LANE_MAX_LETTERS
from actors.broadcast.figures import Figures
from actors.broadcast.model import Flooded, NotSent, Unknown
from actors.operations import messages as operations

COMPONENT = "telegram.dispatcher"

LANE_WARN_LETTERS = LANE_MAX_LETTERS * 4 // 5

TROUBLES_FAIL = 5
"""So many fruitless attempts in a row, each alone, take about eight seconds."""

Trouble = Flooded | NotSent | Unknown
"""An outcome after which a letter is repeated."""

LOST_REASONS = ("blocked", "gone", "refused", "unknown", "withdrawn")


def reported(figures: Figures, trouble: Trouble | None, book: str = "") -> operations.Reported:
    """The report; `trouble` is what was met last, and counts while nothing has disproved it.
    `book` is why the book cannot be written, if it cannot.
    """
    status, output = _judged(figures, trouble, book)
    return operations.Reported(
        component=COMPONENT, status=status, output=output, measurements=_measured(figures)
    )


def _judged(figures: Figures, trouble: Trouble | None, book: str) -> tuple[operations.Status, str]:
    fullest = max(lane.depth for lane in figures.lanes.values())
    if fullest >= LANE_MAX_LETTERS:
        return "fail", f"{fullest} letters wait and new ones are turned away: send less"
    if figures.troubles and trouble is not None:
        seconds = f"{figures.shut_seconds:.0f} s"
        if isinstance(trouble, Flooded):
            return "warn", f"Telegram asked for a pause; the next letter leaves in {seconds}"
        status: operations.Status = "fail" if figures.troubles >= TROUBLES_FAIL else "warn"
        return status, f"Telegram is not reached, next try in {seconds}: {trouble.detail}"
    if fullest >= LANE_WARN_LETTERS:
        return "warn", f"{fullest} of at most {LANE_MAX_LETTERS} letters wait: send less"
    if book:
        return "warn", f"flood waits and Stars spent would not survive a restart: {book}"
    if figures.flood_waits_cut and (figures.closed_chats or figures.bulk_shut_seconds):
        longest = max(figures.longest_wait_seconds, figures.bulk_shut_seconds)
        return "warn", (
            f"{figures.flood_waits_cut} flood waits kept from before were longer than Telegram "
            f"asks, as if the clock had been wrong; all are over in {longest:.0f} s"
        )
    waiting = figures.lanes["bulk"].depth
    if figures.bulk_shut_seconds and waiting:
        seconds = f"{figures.bulk_shut_seconds:.0f} s"
        return "warn", f"Telegram asked for a pause; broadcasts go on in {seconds}"
    if figures.stars_used_up and waiting:
        budget = f"{figures.stars_budget:g}"
        return "warn", f"all {budget} Stars of the budget are spent: broadcasts go at the free rate"
    return "pass", ""


def _measured(figures: Figures) -> tuple[operations.Measurement, ...]:
    totals = figures.totals
    named: dict[str, float] = {
        "queued_letters": figures.depth,
        "queued_chats": figures.chats,
        "oldest_letter_age_seconds": figures.oldest_age_seconds,
        "deliveries_in_flight": figures.in_flight,
        "paid_tokens_left": figures.paid_tokens_left,
        "closed_chats": figures.closed_chats,
        "closed_longest_seconds": figures.longest_wait_seconds,
        "pause_seconds": figures.shut_seconds,
        "bulk_pause_seconds": figures.bulk_shut_seconds,
        "flood_waits_cut": figures.flood_waits_cut,
        "unreachable_chats": figures.unreachable,
        "moved_chats": figures.moved,
        "stars_spent": figures.stars_spent,
        "stars_budget": figures.stars_budget,
        "letters_delivered_total": totals.delivered,
        "letters_billed_total": totals.paid,
        "deliveries_repeated_total": totals.repeated,
        "flood_waits_total": totals.flooded,
        "edits_overtaken_total": totals.overtaken,
        "stale_letters_dropped_total": figures.dropped,
        "letters_turned_away_total": totals.turned_away,
        "typing_refused_total": totals.typing_refused,
    }
    for lane, of_lane in figures.lanes.items():
        named[f"{lane}_letters"] = of_lane.depth
        named[f"{lane}_oldest_age_seconds"] = of_lane.oldest_age_seconds
        named[f"{lane}_tokens_left"] = of_lane.tokens_left
    for reason in LOST_REASONS:
        named[f"letters_{reason}_total"] = totals.lost[reason]
    return tuple(operations.Measurement(name=name, value=value) for name, value in named.items())
