"""The written files keep the rules of their layouts and their own totals."""

from __future__ import annotations

import tomllib

import polars as pl
import pytest

KINDS = ("med", "dpc", "den", "pha", "nur")
WIDTHS = {
    "med": {"IR": 10, "RE": 38, "HO": 15, "KO": 12, "SN": 9, "JD": 33, "MF": 33, "SY": 8, "SI": 44, "IY": 44, "CO": 5, "GO": 4},
    "dpc": {"IR": 10, "RE": 30, "HO": 16, "KO": 13, "BU": 6, "SB": 8, "GA": 7, "HH": 9, "GT": 12, "CD": 11, "SI": 44, "GO": 4},
    "den": {"UK": 10, "IR": 9, "RE": 27, "HO": 14, "KO": 10, "HS": 13, "SS": 109, "GO": 4},
    "pha": {"YK": 9, "RE": 42, "HO": 14, "KO": 10, "SH": 10, "CZ": 71, "IY": 10, "KI": 114, "GO": 4},
    "nur": {"HM": 8, "RE": 15, "HO": 12, "KO": 8, "IH": 7, "HJ": 4, "JS": 6, "SY": 5, "KA": 9, "GO": 4},
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_line_ends_with_crlf_and_reads_as_cp932(town, kind):
    for path in town.delivery("2026-10").glob("*.UKE"):
        data = path.read_bytes()
        assert data.count(b"\n") == data.count(b"\r\n")
        assert data.rstrip(b"\x1a").endswith(b"\r\n")
        data.rstrip(b"\x1a").decode("cp932")


def test_records_have_the_width_of_the_layout(town, kind):
    # both months: of a kind with few claims not every record is there in each
    frame = pl.concat([town.uke(m, kind) for m in ("2026-09", "2026-10")]).with_columns(pl.col("f").list.len().alias("n"))
    for record, width in WIDTHS[kind].items():
        of = frame.filter(pl.col("rec") == record)
        assert of.height, record
        # a few lines are broken on purpose; none of them is an envelope or a receipt record
        allowed = 10 if record in ("SY", "SI", "IY", "SS") else 0
        assert of.filter(pl.col("n") != width).height <= allowed, record


def test_go_counts_payers_and_points(town, kind):
    frame = town.uke("2026-10", kind)
    go = frame.filter(pl.col("rec") == "GO")
    payers = frame.filter(pl.col("rec").is_in(["HO", "KO"])).height
    points = town.of("2026-10", kind, "HO", points=5)["points"].cast(pl.Int64).sum()
    assert int(go["f"][0][1]) == payers
    assert int(go["f"][0][2]) == points
    assert go["f"][-1][3] == "99"


def test_points_of_a_receipt_are_the_sum_of_its_units(town):
    lines = pl.concat([town.of("2026-10", "med", r, cat=1, points=5, times=6).with_columns(pl.lit(r).alias("r")) for r in ("SI", "IY")])
    broken = town.uke("2026-10", "med").filter(pl.col("rec").is_in(["XX"]) | (pl.col("rec").is_in(["SI", "IY"]) & (pl.col("f").list.len() < 44)))
    meals = town.of("2026-10", "med", "SI", code=3, points=5, times=6).filter(pl.col("code") == "197000110")
    value = (pl.col("points").replace("", "0").cast(pl.Int64, strict=False).fill_null(0) * pl.col("times").cast(pl.Int64, strict=False).fill_null(0)).sum()
    total = lines.group_by("claim").agg(value.alias("sum"))
    eaten = meals.group_by("claim").agg(value.alias("meals"))
    stated = town.of("2026-10", "med", "HO", points=5).with_columns(pl.col("points").cast(pl.Int64))
    joined = stated.join(total, on="claim", how="left").join(eaten, on="claim", how="left").filter(~pl.col("claim").is_in(broken["claim"].implode()))
    repeated = joined.filter(pl.len().over("claim") == 1)
    assert repeated.height > 3000
    assert repeated.filter(pl.col("points") != pl.col("sum").fill_null(0) - pl.col("meals").fill_null(0)).is_empty()


def test_day_cells_add_up_to_the_times(town):
    frame = town.uke("2026-10", "med").filter(pl.col("rec").is_in(["SI", "IY"]) & (pl.col("f").list.len() == 44))
    days = frame.select(
        pl.col("f").list.get(6).cast(pl.Int64).alias("times"),
        pl.col("f").list.slice(13, 31).list.eval(pl.element().replace("", "0").cast(pl.Int64)).list.sum().alias("sum"),
    )
    assert days.filter(pl.col("times") != pl.col("sum")).is_empty()


def test_pharmacy_points_are_the_sum_of_dispensings_and_basics(town):
    groups = town.of("2026-10", "pha", "CZ", points=66).group_by("claim").agg(pl.col("points").cast(pl.Int64).sum())
    basics = town.of("2026-10", "pha", "KI", base=5, guide=10).group_by("claim").agg((pl.col("base").cast(pl.Int64) + pl.col("guide").cast(pl.Int64)).sum())
    stated = town.of("2026-10", "pha", "HO", stated=5).filter(pl.len().over("claim") == 1)
    joined = stated.join(groups, on="claim").join(basics, on="claim").filter(pl.col("claim").count().over("claim") == 1)
    assert joined.height > 1000
    assert joined.filter(pl.col("stated").cast(pl.Int64) != pl.col("points") + pl.col("base")).is_empty()


def test_search_numbers_are_17_digits_and_unique_but_for_resubmissions(town, kind):
    numbers = town.of("2026-10", kind, "RE", search={"med": 18, "dpc": 20, "den": 19, "pha": 37, "nur": 14}[kind])["search"]
    assert (numbers.str.len_chars() == 17).all()
    assert numbers.n_unique() == len(numbers)


def _check_digit_ok(digits: str) -> bool:
    total = sum(sum(divmod(int(d) * (1 if i % 2 == 0 else 2), 10)) for i, d in enumerate(reversed(digits)))
    return total % 10 == 0


def test_check_digits_hold(town):
    insurers = town.of("2026-10", "med", "HO", no=1)["no"].str.strip_chars().unique().to_list()
    clinics = town.of("2026-10", "med", "IR", code=4)["code"].unique().to_list()
    payers = town.of("2026-10", "med", "KO", no=1)["no"].unique().to_list()
    for number in [*insurers, *clinics, *payers]:
        assert _check_digit_ok(number), number


def test_care_rows_are_counted_in_the_control_record(town):
    lines = (town.delivery("2026-10") / "care_202610.csv").read_bytes().decode("cp932").removesuffix("\r\n").split("\r\n")
    control = lines[0].split(",")
    assert (control[0], control[4], len(control)) == ("1", "711", 12)
    assert int(control[3]) == len(lines) - 2
    assert [int(line.split(",")[1]) for line in lines] == list(range(1, len(lines) + 1))
    basic = [line.split(",") for line in lines if line.split(",")[3:4] == ["01"] and line.split(",")[2] != "7111"]
    assert {len(b) for b in basic} == {58}


def test_benefit_records_have_the_width_of_their_exchange_id(records_town):
    paths = sorted(records_town.delivery("2026-10").glob("care_202610_*.csv"))
    assert len(paths) == 2  # one for each insurer
    lines = [line.split(",") for p in paths for line in p.read_bytes().decode("cp932").removesuffix("\r\n").split("\r\n")[1:-1]]
    widths = {(f[4], len(f)) for f in lines}
    assert widths == {("H1", 96), ("D1", 34), ("T1", 62)}


def test_prefix_counts_lines_inside_each_receipt(records_town):
    text = (records_town.delivery("2026-10") / "RECEIPTC_00.UKE").read_bytes().rstrip(b"\x1a").decode("cp932").removesuffix("\r\n").split("\r\n")
    frame = pl.DataFrame({"f": [line.split(",") for line in text[:-1]]})
    rows = frame.select(pl.col("f").list.get(1).cast(pl.Int64).alias("row"), pl.col("f").list.get(3).alias("rec"))
    assert (rows["rec"] == "MN").sum() == (rows["rec"] == "RE").sum()
    starts = rows.filter(pl.col("rec") == "MN")["row"]
    assert (starts == 1).all()
    assert ((rows["row"].diff().drop_nulls() == 1) | (rows["row"][1:] == 1)).all()


def test_judo_totals_follow_the_fees(town):
    wrong = town.labels.filter((pl.col("plant_type") == "JD07") & ~pl.col("is_decoy"))["claim_ids"].explode().str.split(":").list.get(2)
    claims = town.csv("2026-10", "judo_202610.csv").filter(~pl.col("整理番号").is_in(wrong.implode()))
    parts = town.csv("2026-10", "judo_parts_202610.csv")
    above = ("初検料", "初検時相談支援料", "再検料", "往療料", "明細書発行加算")
    yen = {c: claims[c].cast(pl.Int64) for c in (*above, "後療料等", "合計金額", "一部負担金", "請求金額", "給付割合")}
    lines = [pl.col(f"{n}料").cast(pl.Int64) for n in ("後療", "温罨法", "冷罨法", "電療")]
    body = parts.group_by("整理番号").agg(pl.col("施療料等").cast(pl.Int64).sum(), pl.col("後療料等").cast(pl.Int64).sum().alias("after"), pl.sum_horizontal(lines).sum().alias("lines"))
    joined = claims.with_columns(pl.Series(c, s) for c, s in yen.items()).join(body, on="整理番号")
    assert joined.filter(pl.col("合計金額") != pl.sum_horizontal(*above, "後療料等", "施療料等")).is_empty()
    assert joined.filter((pl.col("後療料等") != pl.col("after")) | (pl.col("after") != pl.col("lines"))).is_empty()
    assert (yen["一部負担金"] + yen["請求金額"] == yen["合計金額"]).all()
    assert set(yen["初検料"].unique().to_list()) == {0, 1560}


def test_delivery_names_every_file(town):
    for month in ("2026-08", "2026-09", "2026-10"):
        folder = town.delivery(month)
        spec = tomllib.loads((folder / "delivery.toml").read_text(encoding="utf-8"))
        assert spec["month"] == month
        listed = {f["name"] for f in spec["file"]}
        assert ("insurer_no" in spec) == (len(spec["insurers"]) == 1)
        mappings = {f["layout"] for f in spec["file"] if "layout" in f}
        assert listed | mappings | {"delivery.toml"} == {p.name for p in folder.iterdir()}


@pytest.mark.parametrize(("letter", "width"), [("s", 150), ("h", 76), ("y", 40), ("b", 46), ("z", 19), ("t", 38), ("c", 30)])
def test_masters_have_the_official_width(town, letter, width):
    text = (town.delivery("2026-10") / f"{letter}_ALL20260601.csv").read_bytes().decode("cp932").removesuffix("\r\n")
    assert {line.count('","') + 1 for line in text.split("\r\n")} == {width}


def test_every_code_used_is_in_a_master(town):
    def codes(letter: str) -> set[str]:
        text = (town.delivery("2026-10") / f"{letter}_ALL20260601.csv").read_bytes().decode("cp932").removesuffix("\r\n")
        return {line.split('","')[2] for line in text.split("\r\n")}

    procedures, drugs, diseases, dental = (codes(x) for x in "sybh")
    si = set(town.of("2026-10", "med", "SI", code=3)["code"].drop_nulls().unique().to_list())
    iy = set(town.of("2026-10", "pha", "IY", code=2)["code"].drop_nulls().unique().to_list())
    sy = set(town.of("2026-10", "med", "SY", code=1)["code"].drop_nulls().unique().to_list())
    ss = set(town.of("2026-10", "den", "SS", code=3)["code"].drop_nulls().unique().to_list())
    for used, known in ((si, procedures), (iy, drugs), (sy, diseases), (ss, dental)):
        assert len([c for c in used if c not in known]) <= 3  # cut lines
