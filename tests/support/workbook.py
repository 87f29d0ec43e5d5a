"""Reading an XLSX file as what it is, a zip of XML: what kind a cell is matters as much as what it says."""

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Workbook:
    """`sheets`: name -> rows of (type, text) by column letter; type is "s" text, "n" number, "b" truth, "f" formula."""

    def __init__(self, data: bytes) -> None:
        self.parts = zipfile.ZipFile(io.BytesIO(data))
        shared = self._texts()
        book = ElementTree.fromstring(self.parts.read("xl/workbook.xml"))
        names = [str(sheet.get("name")) for sheet in book.iter(f"{MAIN}sheet")]
        self.sheets = {
            name: self._rows(f"xl/worksheets/sheet{number}.xml", shared) for number, name in enumerate(names, 1)
        }

    def _texts(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self.parts.namelist():
            return []
        root = ElementTree.fromstring(self.parts.read("xl/sharedStrings.xml"))
        return ["".join(item.itertext()) for item in root.iter(f"{MAIN}si")]

    def _rows(self, part: str, shared: list[str]) -> list[dict[str, tuple[str, str]]]:
        root = ElementTree.fromstring(self.parts.read(part))
        return [
            {re.sub(r"\d", "", str(cell.get("r"))): self._cell(cell, shared) for cell in row.iter(f"{MAIN}c")}
            for row in root.iter(f"{MAIN}row")
        ]

    def _cell(self, cell: Any, shared: list[str]) -> tuple[str, str]:
        text = "".join(cell.itertext())
        if cell.find(f"{MAIN}f") is not None:
            return "f", text
        kind = cell.get("t", "n")
        return ("s", shared[int(text)]) if kind == "s" else ("s" if kind in ("inlineStr", "str") else kind, text)

    def table(self, name: str) -> list[dict[str, tuple[str, str]]]:
        """The rows below the heading, by what the heading says."""
        heading, *rows = self.sheets[name]
        return [{heading[letter][1]: cell for letter, cell in row.items() if letter in heading} for row in rows]
