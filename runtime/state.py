"""Where a cell is in its life, and what supervision may ask of it."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a cell is in its life."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    """Failed, or fallen with a sibling: a fresh incarnation comes after the back-off."""
    WAITING = "waiting"
    """Suspended by `Unavailable`; looks again after the back-off."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    DORMANT = "dormant"
    """A keyed actor without an instance: the next message makes one."""


class Signal(Enum):
    """What supervision asks of a cell, in a lane of its own ahead of every message."""

    START = "start"
    HALT = "halt"
    """Stop this incarnation and keep the queue, for a restart together with siblings."""
    SLEEP = "sleep"
    KILL = "kill"
