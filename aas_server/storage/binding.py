"""The values of a SELECT that is put together, under names."""

from typing import Any


class Values:
    """Gives every value a name, equal ones the same."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}
        self._names: dict[tuple[type, object], str] = {}

    def add(self, value: object) -> str:
        """How the value is written in the SELECT.

        >>> values = Values()
        >>> values.add("a"), values.add(1.0), values.add("a")
        (':v0', ':v1', ':v0')
        """
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"v{len(self._names)}"
            self.named[self._names[key]] = value
        return f":{self._names[key]}"

    def term(self, text: str) -> str:
        """The number of an interned text; no row has it where the text is not interned."""
        return f"(SELECT id FROM term WHERE text = {self.add(text)})"  # noqa: S608
