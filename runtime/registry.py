"""Who is there: pykka's registry, one per system, and every look-up by a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.future import Future

if TYPE_CHECKING:
    from runtime.cell import Cell
    from runtime.ref import ActorRef


class Registry:
    """The living actors outside regions; the keyed ones are found through their region."""

    def __init__(self) -> None:
        self._by_path: dict[str, Cell] = {}
        self._class_of: dict[str, type] = {}
        """As it was registered: a factory may make another class the next time."""
        self._by_class: dict[type, dict[str, Cell]] = {}

    def __len__(self) -> int:
        return len(self._by_path)

    def register(self, cell: Cell) -> None:
        """Make an actor findable; again after each incarnation is harmless."""
        if cell.key is not None:
            return
        path = cell.path
        known = self._class_of.get(path)
        if known is not cell.actor_class:
            self._forget_class(path)
            self._by_path[path] = cell
            self._class_of[path] = cell.actor_class
            self._by_class.setdefault(cell.actor_class, {})[path] = cell

    def unregister(self, cell: Cell) -> None:
        """Forget an actor that has stopped."""
        path = cell.path
        if self._by_path.get(path) is cell:
            del self._by_path[path]
            self._forget_class(path)

    def _forget_class(self, path: str) -> None:
        known = self._class_of.pop(path, None)
        if known is not None:
            del self._by_class[known][path]
            if not self._by_class[known]:
                del self._by_class[known]

    def get_all(self) -> list[ActorRef[Any]]:
        """References to all of them."""
        return [cell.ref for cell in self._by_path.values()]

    def get_by_class(self, actor_class: type) -> list[ActorRef[Any]]:
        """References to those of a class or of its subclasses."""
        return [
            cell.ref
            for known, cells in self._by_class.items()
            if issubclass(known, actor_class)
            for cell in cells.values()
        ]

    def get_by_class_name(self, name: str) -> list[ActorRef[Any]]:
        """References to those whose class has exactly this name."""
        return [
            cell.ref
            for known, cells in self._by_class.items()
            if known.__name__ == name
            for cell in cells.values()
        ]

    def get_by_urn(self, urn: str) -> ActorRef[Any] | None:
        """The actor of this URN."""
        cell = self._by_path.get(urn.removeprefix("urn:actor:"))
        return None if cell is None else cell.ref

    def broadcast(self, message: object, target_class: type | str | None = None) -> None:
        """Tell everybody, or everybody of a class; one that cannot take it stops nobody."""
        if target_class is None:
            refs = self.get_all()
        elif isinstance(target_class, str):
            refs = self.get_by_class_name(target_class)
        else:
            refs = self.get_by_class(target_class)
        for ref in refs:
            if ref.is_alive():
                ref.inform(message)

    def stop_all(self) -> list[Future[bool]]:
        """Ask all of them to stop, the youngest first; the futures say when they have."""
        return [ref.stop() for ref in reversed(self.get_all())]
