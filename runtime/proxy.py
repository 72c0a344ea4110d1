"""Proxies: pykka's `ActorProxy`, without a hold on any one instance.

What an actor offers is read from its class once, and from its living instance for what it
keeps in attributes; a restart changes neither.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

import pykka
from pykka import CallableProxy
from pykka._introspection import get_attr_directly
from pykka.messages import ProxyGetAttr, ProxySetAttr

from runtime.errors import ActorDeadError

if TYPE_CHECKING:
    from runtime.ref import ActorRef

A = TypeVar("A", bound=pykka.Actor)

_MISSING = object()


class ActorProxy(pykka.ActorProxy[A]):
    """Methods become asks, attributes become futures of their values.

    Setting an attribute is a tell: like every failure of a told message, an error in it fails
    the actor instead of blocking whoever sets it.
    """

    def __init__(self, *, actor_ref: ActorRef[A], attr_path: tuple[str, ...] = ()) -> None:
        # pykka's __init__ is skipped on purpose: it keeps the first instance for ever.
        self.actor_ref = actor_ref
        self._attr_path = attr_path

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ActorProxy)
            and self.actor_ref == other.actor_ref
            and self._attr_path == other._attr_path
        )

    def __hash__(self) -> int:
        return hash((self.actor_ref, self._attr_path))

    def __repr__(self) -> str:
        return f"<ActorProxy for {self.actor_ref}, attr_path={self._attr_path!r}>"

    def __dir__(self) -> list[str]:
        parent = self._look(self._attr_path)
        return sorted({name for name in dir(parent) if not name.startswith("_")})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            msg = f"{self!r} has no attribute {name!r}: private names are not proxied"
            raise AttributeError(msg)
        path = (*self._attr_path, name)
        value = self._look(path)
        if value is _MISSING:
            msg = f"{self!r} has no attribute {name!r}"
            raise AttributeError(msg)
        if _traversable(value):
            return ActorProxy(actor_ref=self.actor_ref, attr_path=path)  # type: ignore[arg-type]
        if callable(value):
            return CallableProxy(actor_ref=self.actor_ref, attr_path=path)
        return self.actor_ref.ask(ProxyGetAttr(attr_path=path), block=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "actor_ref" or name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        path = (*self._attr_path, name)
        self.actor_ref.tell(ProxySetAttr(attr_path=path, value=value))

    def _look(self, path: tuple[str, ...]) -> Any:
        """What stands at `path`, without calling properties of the living instance."""
        ref: Any = self.actor_ref
        if not ref.is_alive():
            msg = f"{ref} not found"
            raise ActorDeadError(msg)
        cell = ref._cell  # noqa: SLF001 - the proxy is the reference's own other face
        current = cell.instance if cell.instance is not None else cell.actor_class
        try:
            parent = get_attr_directly(current, path[:-1])
            return inspect.getattr_static(parent, path[-1]) if path else current
        except AttributeError:
            return _MISSING


def _traversable(value: object) -> bool:
    """Whether pykka's marker opens this attribute's own methods to the proxy."""
    markers = ("_pykka_traversable", "pykka_traversable")
    return any(getattr(value, marker, False) is True for marker in markers)
