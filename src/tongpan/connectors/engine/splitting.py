"""Rows that hold several lines of a document in one row, with a separator between."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tongpan.connectors.engine.cells import BadCell, cleaned
from tongpan.connectors.engine.fields import Row
from tongpan.connectors.spec import Split


class Splitter:
    """Gives the rows that a combined row stands for. positions, headers: of the columns that the file has."""

    def __init__(
        self, spec: Split, positions: Mapping[str, int], headers: Mapping[str, str], nulls: Collection[str]
    ) -> None:
        self._headers = headers
        self._separator = spec.separator
        self._nulls = nulls
        self._lead = positions.get(spec.by)
        self._several = {name: positions[name] for name in spec.columns if name in positions}
        self._once = {name: positions[name] for name in spec.once if name in positions}

    def pieces(self, row: Row) -> Iterator[Row]:
        """The rows that ``row`` stands for; itself when it holds one line.

        Raises BadCell when a column holds another number of parts than there are lines.
        """
        lead = cleaned(row[self._lead], self._nulls) if self._lead is not None else ""
        count = len(self._parts(lead))
        if count < 2:
            yield row
            return
        rows = [list(row) for _ in range(count)]
        for name, position in {**self._several, **self._once}.items():
            text = cleaned(row[position], self._nulls)
            parts = self._parts(text)
            if len(parts) == 1 and (name in self._once or not text):
                parts += [""] * (count - 1)
            if len(parts) != count:
                raise BadCell(
                    self._headers.get(name, name), text, f"holds {len(parts)} parts, but the row has {count} lines"
                )
            for one, part in zip(rows, parts, strict=True):
                one[position] = part
        yield from rows

    def _parts(self, text: str) -> list[str]:
        return text.rstrip(self._separator).split(self._separator)
