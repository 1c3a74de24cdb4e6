import os
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.errors import DeliveryError, EmptyFileError, LayoutError
from audit.intake.masters import LETTERS, master_layout, read_master
from audit.intake.result import FilePlan
from audit.tables import ALL

REVISION = date(2024, 6, 1)


def row(letter, code="111000110", **given):
    layout = master_layout(letter)
    cells = [""] * layout["widths"][0]
    cells[0], cells[1] = "0", letter.upper()
    values = {"code": code, "name": "名称", "changed_on": "20240601", "ends_on": "99999999"} | given
    for name, value in values.items():
        cells[layout["columns"][name] - 1] = value
    return [f'"{c}"' for c in cells]


@pytest.mark.parametrize("letter", LETTERS)
def test_every_master_by_its_layout(delivered, accounted, letter):
    result = read_master(delivered([row(letter), row(letter, "2", ends_on="20240331")], f"master_{letter}", revision=REVISION))
    assert accounted(result) == {}
    (name, table), = result.tables.items()
    conformed = ALL[name].conform(table)
    assert conformed["revision"].unique().to_list() == [REVISION]
    assert conformed.select("code", "name", "changed_on", "ends_on").rows() == [
        ("111000110", "名称", date(2024, 6, 1), None), ("2", "名称", date(2024, 6, 1), date(2024, 3, 31)),
    ]


def test_procedure_fields(delivered):
    given = {"points": "291.00", "old_points": "288.00", "point_kind": "3", "in_out": "0", "max_times": "1", "section_letter": "C", "section_number": "002", "section_branch": "02"}
    result = read_master(delivered([row("s", **given), row("s", "2", section_letter="-", section_number="007"), row("s", "3", section_letter="K", section_number="77", section_branch="00")], "master_s", revision=REVISION))
    table = result.tables["m_procedures"]
    assert table.row(0, named=True)["points"] == 291.0
    assert table["old_points"].to_list() == [288.0, None, None]
    assert table["section"].to_list() == ["C002-2", None, "K077"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"points": "abc"}, "bad_number"), ({"points": "nan"}, "bad_number"), ({"points": "1e999"}, "bad_number"), ({"code": ""}, "missing_value"), ({"ends_on": "20241301"}, "bad_date"), ({"code": "1"}, "duplicate_row")],
)
def test_row_that_is_refused(delivered, accounted, given, reason):
    result = read_master(delivered([row("s", "1"), row("s", **{"code": "9"} | given)], "master_s", revision=REVISION))
    assert accounted(result) == {2: reason}


def test_rows_of_another_width_or_master(delivered, accounted):
    result = read_master(delivered([row("s", "1"), row("s", "2"), row("s", "3")[:140], row("s", "4")[:1] + ['"Y"'] + row("s", "4")[2:]], "master_s", revision=REVISION))
    assert accounted(result) == {3: "too_few_fields", 4: "wrong_master"}


def test_unknown_width_says_which_are_known(delivered):
    with pytest.raises(LayoutError, match=r"^file\.csv: 41 columns, master y has 40 or 42 → "):
        read_master(delivered([row("y") + ['""']], "master_y", revision=REVISION))
    assert read_master(delivered([row("y") + ['""', '""']], "master_y", revision=REVISION)).rows_in == 1


def test_without_a_date(delivered):
    with pytest.raises(DeliveryError, match="revision"):
        read_master(delivered([row("z")], "master_z"))


def test_empty(delivered):
    with pytest.raises(EmptyFileError):
        read_master(delivered("\r\n", "master_z", revision=REVISION))


def test_in_a_zip(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z_20250601.txt", (",".join(row("z")) + "\r\n").encode("cp932"))
    assert read_master(FilePlan(path, "z.zip", "master_z", "0", 1, revision=REVISION)).tables["m_modifiers"].height == 1


# -- the real ones --------------------------------------------------------------------------------------------------
REAL = Path(os.environ.get("KOKUHO_AUDIT_REAL_DATA", Path(__file__).parents[2] / "../shared/data")) / "masters"
COUNTS = {
    "b_20240601.zip": 27_437, "s_20240531.zip": 10_133, "s_ALL20220218.zip": 8_735, "y_ALL20240321.zip": 19_686, "t_ALL20240315.zip": 1_334,
    "c_ALL20230801.zip": 3_065, "z_20250601.zip": 2_375,
}


@pytest.fixture(scope="module")
def real():
    if not REAL.is_dir():
        pytest.skip("no real data")
    results = {}
    for path in sorted(REAL.glob("*.zip")):
        results[path.name] = read_master(FilePlan(path, path.name, f"master_{path.name[0]}", "0", path.stat().st_size, revision=REVISION))
    return results


@pytest.mark.real
def test_real_masters_load_whole(real):
    assert {name: r.rows_in for name, r in real.items()} == COUNTS
    assert {name: r.quarantine.height for name, r in real.items()} == dict.fromkeys(COUNTS, 0)
    for result in real.values():
        (name, table), = result.tables.items()
        assert ALL[name].conform(table)["code"].is_unique().all()


@pytest.mark.real
def test_real_points_by_revision(real):
    old, new = (real[n].tables["m_procedures"].filter(pl.col("code") == "111000110") for n in ("s_ALL20220218.zip", "s_20240531.zip"))
    assert (old["points"].item(), new["points"].item(), new["old_points"].item()) == (288.0, 291.0, 288.0)


@pytest.mark.real
def test_real_codes_that_ended_before_2022(real):
    codes = set(real["s_ALL20220218.zip"].tables["m_procedures"]["code"])
    assert not {"111014070", "113033370"} & codes


@pytest.mark.real
def test_real_columns(real):
    procedures = real["s_20240531.zip"].tables["m_procedures"].select("code", "section", "max_times", "in_out").rows_by_key("code")
    assert procedures["114030710"][0][0] == "C002"
    assert procedures["113002850"][0][:2] == ("B001", 1)
    drugs = real["y_ALL20240321.zip"].tables["m_drugs"]
    assert drugs.filter(pl.col("code") == "610406079").select("unit", "price", "form", "price_code").row(0) == ("ｇ", 16.5, "1", "2325003B2029")
    assert drugs["price_code"].drop_nulls().str.len_chars().unique().to_list() == [12]
    diseases = real["b_20240601.zip"].tables["m_diseases"]
    assert diseases["icd10"].drop_nulls().str.contains("^[A-Z][0-9]").all()
    assert diseases["icd10"].null_count() < 0.02 * diseases.height
