"""What the gateway tells about itself. It takes no orders: what it hears comes from
Telegram, from its own timers and from the event stream.
"""

from __future__ import annotations

from actors.kernel.ids import UpdateId
from runtime import message


@message
class UpdateParked:
    """Published when an update was put aside: it stays in the inbox, nobody works on it, and
    a person should look. `reason` says why in one line; nothing the user wrote is in it.
    """

    update_id: UpdateId
    reason: str


Event = UpdateParked
