"""Delivered files made of a few lines."""

import pytest

from audit.intake.result import FilePlan


@pytest.fixture
def delivered(tmp_path):
    """Write a file and return its plan: text, or rows that are joined by commas."""

    def write(content, kind="x", *, name="file.csv", encoding="cp932", as_bytes=None, **given):
        if not isinstance(content, str | bytes):
            content = "".join(",".join(str(v) for v in row) + "\r\n" for row in content)
        data = content if isinstance(content, bytes) else content.encode(as_bytes or encoding)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return FilePlan(path, name, kind, "0" * 64, len(data), encoding, **given)

    return write


@pytest.fixture
def accounted():
    """Check that every source line is accounted for, and return line -> reason of the refused ones."""

    def check(result):
        assert result.rows_in == result.rows_in_tables + int(result.quarantine["rows"].sum())
        assert result.quarantine["reason_ja"].str.contains("。$").all()
        return dict(result.quarantine.select("line", "reason").rows())

    return check
