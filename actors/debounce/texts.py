"""What the batcher says to users."""

from __future__ import annotations

from collections.abc import Mapping

from actors.kernel.language import Language

TOO_MUCH: Mapping[Language, str] = {
    Language.EN: (
        "You are faster than I can read. I have passed on the beginning; "
        "please give me a minute before you write on."
    ),
    Language.RU: (
        "Вы пишете быстрее, чем я успеваю читать. Начало я передал; "
        "подождите, пожалуйста, минуту, прежде чем писать дальше."
    ),
    Language.UK: (
        "Ви пишете швидше, ніж я встигаю читати. Початок я передав; "
        "зачекайте, будь ласка, хвилину, перш ніж писати далі."
    ),
}
"""To whoever sends more than `flood` allows."""
