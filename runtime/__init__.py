"""Supervised actors on trio, behind pykka's API. Knows nothing of the shop."""

from __future__ import annotations

from runtime.actor import Actor, ThreadingActor
from runtime.address import Address, KeyedRecipient, Recipient, ask
from runtime.cell import correlation_id
from runtime.child import ChildSpec, KeyedSpec, SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.errors import (
    ActorDeadError,
    AskCycleError,
    MailboxFullError,
    NoSystemError,
    SupervisionError,
    Timeout,
    Unavailable,
    Unrecoverable,
    WouldBlockError,
)
from runtime.events import (
    ActorFailed,
    ActorRestarting,
    ActorStarted,
    ActorStopped,
    ActorSuspended,
    DeadLetter,
    Escalated,
    Incident,
)
from runtime.future import Future, ReplyLater
from runtime.intensity import Backoff, Budget
from runtime.keyed import Region
from runtime.mailbox import Mailbox
from runtime.message import Asks, Terminated, message
from runtime.ref import ActorRef
from runtime.snapshot import Fates, Node
from runtime.state import State
from runtime.system import ActorSystem
from runtime.timers import Timers
from runtime.world import RealWorld, VirtualWorld, World

__all__ = [
    "Actor",
    "ActorDeadError",
    "ActorFailed",
    "ActorRef",
    "ActorRestarting",
    "ActorStarted",
    "ActorStopped",
    "ActorSuspended",
    "ActorSystem",
    "Address",
    "AskCycleError",
    "Asks",
    "Backoff",
    "Budget",
    "ChildSpec",
    "DeadLetter",
    "Dispatch",
    "Escalated",
    "Fates",
    "Future",
    "Incident",
    "KeyedRecipient",
    "KeyedSpec",
    "Mailbox",
    "MailboxFullError",
    "NoSystemError",
    "Node",
    "RealWorld",
    "Recipient",
    "Region",
    "ReplyLater",
    "State",
    "SupervisionError",
    "SupervisorSpec",
    "Terminated",
    "ThreadingActor",
    "Timeout",
    "Timers",
    "Unavailable",
    "Unrecoverable",
    "VirtualWorld",
    "World",
    "WouldBlockError",
    "ask",
    "correlation_id",
    "message",
]
