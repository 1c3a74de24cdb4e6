"""The parameter loader refuses what it does not know, and resolves by date of service."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.errors import ParameterError
from audit.params import Parameters, load

GOOD = """\
- name: a.fee
  unit: yen
  description_ja: 料金
  values:
    - {from: 2018-06-01, value: 400, basis: notice, status: confirmed, checked_on: 2026-11-21}
    - {from: 2019-10-01, value: 410, basis: notice, status: confirmed, checked_on: 2026-11-21}
    - {from: 2026-07-01, to: 2026-12-31, value: 420, basis: one page, status: provisional, checked_on: 2026-11-21}
"""


def tree(tmp_path: Path, text: str) -> Parameters:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path)


def test_value_on_a_date(tmp_path):
    p = tree(tmp_path, GOOD)
    days = [date(2018, 5, 31), date(2018, 6, 1), date(2019, 9, 30), date(2019, 10, 1), date(2026, 7, 1), date(2027, 1, 1)]
    assert [p.value("a.fee", d) for d in days] == [None, 400, 400, 410, 420, None]
    frame = pl.DataFrame({"on": days}).select(v=p.expr("a.fee", pl.col("on")), d=p.defined("a.fee", pl.col("on")), q=p.provisional("a.fee", pl.col("on")))
    assert frame["v"].to_list() == [None, 400, 400, 410, 420, None]
    assert frame["d"].to_list() == [False, True, True, True, True, False]
    assert frame["q"].to_list() == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("unit: yen", "unit: euro", "unit 'euro'"),
        ("unit: yen", "unit: yen\n  colour: red", "unknown keys ['colour']"),
        ("  description_ja: 料金\n", "", "missing keys ['description_ja']"),
        ("unit: yen", "unit: yen\n  unit: yen", "key given twice"),
        ("value: 410, basis: notice", "value: 410, basis: ''", "missing keys ['basis']"),
        ("value: 410, basis", "valeu: 410, basis", "unknown keys ['valeu']"),
        ("status: provisional", "status: rumour", "status 'rumour'"),
        ("from: 2019-10-01", "from: 2018-06-01", "overlap"),
        ("from: 2019-10-01", "from: R1.10.1", "from is not a date"),
        ("- name: a.fee", "- name: a.fee: x", "not readable as YAML"),
        ("- name: a.fee", "- title: a.fee", "an entry has no name"),
    ],
)
def test_refused_with_file_and_remedy(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(ParameterError) as caught:
        tree(tmp_path, GOOD.replace(old, new, 1))
    assert words in str(caught.value)
    assert "a.yaml" in str(caught.value)
    assert "→" in str(caught.value)


def test_declared_twice(tmp_path):
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ParameterError, match="declared twice"):
        tree(tmp_path, GOOD)


def test_unknown_name_tells_the_near_ones(tmp_path):
    with pytest.raises(ParameterError, match=r"one of: a\.fee"):
        tree(tmp_path, GOOD)["a.fees"]
