"""What the gateway can be asked, and what it tells about itself. Otherwise it takes no orders:
what it hears comes from Telegram, from its own timers and from the event stream.
"""

from __future__ import annotations

from actors.kernel.ids import UpdateId
from runtime import Asks, message


@message
class Take(Asks[bool]):
    """An update that Telegram sent to our webhook, verified, byte for byte.

    Answered once it is durable; True when it is new. Asked twice, it is stored once. A body that
    is no update at all (no usable id) cannot be kept: it is counted, and answered False.
    """

    body: bytes


@message
class UpdateParked:
    """Published when an update was put aside: it stays in the inbox, nobody works on it, and
    a person should look. `reason` says why in one line; nothing the user wrote is in it.
    """

    update_id: UpdateId
    reason: str


Command = Take
Event = UpdateParked
