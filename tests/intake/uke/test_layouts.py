"""The layout files: complete, marked, and of one vocabulary."""

import pytest

from audit.errors import LayoutError
from audit.intake.uke.layout import load_layout

KINDS = ("uke_med", "uke_dpc", "uke_pha", "uke_den", "uke_nur")
MARKS = {"VERIFIED-ON-SAMPLE", "SPEC-SEEN", "SPEC-SEEN-2", "PARSER-SEEN", "MEMORY-H", "MEMORY-M", "MEMORY-L"}


@pytest.mark.parametrize("kind", KINDS)
def test_layout(kind: str) -> None:
    layout = load_layout(kind)
    assert {r.trust for r in layout.records.values()} | {layout.trust} <= MARKS
    assert set(layout.end) <= set(layout.records)
    for role in ("institution", "receipt", "payer", "branch", "visits", "diagnosis", "total", "correction"):
        assert layout.of_role(role) or (role == "diagnosis" and kind == "uke_pha"), role
    for record in layout.records.values():
        assert len(set(record.fields.values())) == len(record.fields), record.record
        assert all(index > 0 for index in record.fields.values())
        if record.days is not None:
            assert max(record.fields.values()) < record.days[0]


@pytest.mark.parametrize("change", [
    'kind = "uke_pha"', '[records.XX]\nplace = "nowhere"', '[records.XX]\nplace = "body"\nrole = "unheard"',
    '[records.XX]\nplace = "body"\ncolumn = 1', '[records.XX]\nplace = "body"\ndays = [1, 30]',
])
def test_bad_layouts_are_refused(tmp_path, change: str) -> None:
    head = '' if change.startswith("kind") else 'kind = "uke_med"\n'
    path = tmp_path / "own.toml"
    path.write_text(
        head + (change + "\n" if change.startswith("kind") else "")
        + 'claim_kind = "med"\ntrust = "SPEC-SEEN"\nend = ["GO"]\nvisit_categories = []\n'
        + ("" if change.startswith("kind") else change) + '\n[records.GO]\nplace = "file"\n', encoding="utf-8",
    )
    with pytest.raises(LayoutError):
        load_layout("uke_med", str(path))
