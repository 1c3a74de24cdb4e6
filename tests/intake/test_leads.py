"""Lists of other bodies, the register of third-party cases, results of the reviews; and whom a name names."""

from datetime import date

import polars as pl
import pytest

from audit.errors import LayoutError
from audit.intake.leads import read_leads
from audit.intake.link import link_people
from audit.intake.link_names import comparable_kana, comparable_name
from audit.intake.mapping import KINDS
from audit.intake.redelivery import complete
from audit.intake.review_results import read_rereview_rates, read_review_cuts
from audit.intake.sniff import guess
from audit.intake.third_party_cases import read_third_party_cases
from audit.tables import ALL

INSURER = "00110221"
LEADS = "情報源,整理番号,宛名番号,氏名,カナ氏名,生年月日,性別,発生年月日,事故種別,概要"


def leads(delivered, *lines, header=LEADS, **given):
    return read_leads(delivered("\n".join([header, *lines]) + "\n", "leads", insurer_no=INSURER, **given), frozenset({INSURER}))


def test_leads_of_several_bodies(delivered, accounted):
    result = leads(
        delivered,
        "消防救急搬送,２０２６-００１,,髙﨑　太郎,ﾀｶｻｷ ﾀﾛｳ,S30.1.1,男,R8.10.4,交通,交差点で衝突",
        "葬祭費窓口,77,0000012,,,,,20261008,,",
    )
    assert accounted(result) == {}
    rows = result.tables["leads"]
    assert rows["lead_id"].to_list() == [f"lead:{INSURER}:ambulance:2026-001", f"lead:{INSURER}:funeral:77"]
    assert rows.select("name", "birth_date", "sex", "event_on", "cause_category").row(0) == ("髙﨑　太郎", date(1955, 1, 1), "1", date(2026, 10, 4), "traffic")
    assert rows.select("addressee_no", "cause_category").row(1) == ("0000012", None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("不明な所,1,,山田,,,,20261004,,", "unknown_value"),
        ("消防救急搬送,1,,山田,,,,20261304,,", "bad_date"),
        ("消防救急搬送,1,,山田,,,,,,", "missing_value"),
        ("消防救急搬送,1,,,,19550101,1,20261004,,", "missing_value"),
        ("消防救急搬送,1,,山田,,,,20261004,火星人,", "unknown_value"),
        ("消防救急搬送,9,,山田,,,,20261004,,", "duplicate_row"),
    ],
)
def test_lead_that_is_refused(delivered, accounted, line, reason):
    result = leads(delivered, "消防救急搬送,9,,佐藤,,19550101,1,20261004,,", line)
    assert accounted(result) == {3: reason}


def layout(tmp_path, constants):
    path = tmp_path / "ambulance.toml"
    path.write_text(f'[leads]\n[leads.columns]\nsource_ref = "No"\nname = "氏名"\nevent_on = "日"\n[leads.constants]\n{constants}\n', encoding="utf-8")
    return str(path)


def test_a_file_of_one_body_says_so_in_its_mapping(delivered, accounted, tmp_path):
    result = leads(delivered, "1,山田,20261004", header="No,氏名,日", layout=layout(tmp_path, 'lead_source = "ambulance"'))
    assert accounted(result) == {}
    assert result.tables["leads"]["lead_source"].to_list() == ["ambulance"]
    with pytest.raises(LayoutError, match="constants that are not allowed: lead_source"):
        leads(delivered, "1,山田,20261004", header="No,氏名,日", layout=layout(tmp_path, 'lead_source = "police"'))


def test_register_of_cases(delivered, accounted):
    lines = [
        "事案番号,宛名番号,氏名,生年月日,事故年月日,照会年月日,回答年月日,傷病届受理日,最終督促日,事案状態,求償見込額,基準日",
        "7,12,,,R8.8.20,R8.9.1,,,,照会中,\"12,000\",R8.10.31", "8,13,,,R8.8.20,R8.8.1,,,,照会中,,", "9,14,,,R8.8.20,,,,,不明,,", "7,15,,,R8.8.20,,,,,求償済,,",
    ]
    result = read_third_party_cases(delivered("\n".join(lines) + "\n", "third_party_cases", insurer_no=INSURER), frozenset({INSURER}))
    assert accounted(result) == {3: "dates_reversed", 4: "unknown_value", 5: "duplicate_row"}
    assert result.tables["third_party_cases"].select("case_no", "case_state", "recovery_yen", "as_of").row(0) == ("7", "open", 12000, date(2026, 10, 31))


def test_cuts_of_the_first_review(delivered, accounted):
    lines = [
        "検索番号,診療年月,診療行為コード,増減点事由,請求点数,決定点数,増減点数", "9001,R8.10,160000310,b,90,0,", "9001,R8.10,160000310,AD,90,45,", "9002,,160000310,A,,,△45",
        "9003,,160000310,E,90,0,", "9004,,1600003100,A,90,0,", "9005,,160000310,,90,0,",
    ]
    result = read_review_cuts(delivered("\n".join(lines) + "\n", "review_cuts", insurer_no=INSURER), frozenset({INSURER}))
    assert accounted(result) == {5: "unknown_value", 6: "bad_code", 7: "missing_value"}
    assert result.tables["review_cuts"].select("search_no", "cut_no", "cut_reason", "points_cut").rows() == [("9001", 1, "B", 90), ("9001", 2, "AD", 45), ("9002", 1, "A", 45)]


def test_rates_of_the_prefecture(delivered, accounted):
    lines = ["診療行為コード,申出件数,査定件数", "160000310,40,22", "160000410,3,4", "160000310,1,1", "160000510,x,1"]
    result = read_rereview_rates(delivered("\n".join(lines) + "\n", "rereview_rates", insurer_no=INSURER), frozenset({INSURER}))
    assert accounted(result) == {3: "bad_amount", 4: "duplicate_row", 5: "bad_amount"}
    assert result.tables["rereview_rates"].select("code", "asked", "upheld").rows() == [("160000310", 40, 22)]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (LEADS, "leads"), ("事案番号,氏名,生年月日,事故年月日,事案状態", "third_party_cases"),
        ("検索番号,診療行為コード,増減点事由,増減点数", "review_cuts"), ("診療行為コード,申出件数,査定件数", "rereview_rates"),
    ],
)
def test_headers_tell_the_kind(header, kind):
    assert guess(f"{header}\n".encode(), "utf-8").kind == kind
    assert kind in KINDS


def test_names_are_compared_without_what_systems_write_differently():
    frame = pl.DataFrame({"name": ["髙﨑　太郎", "高崎太郎", "　", None], "kana": ["ﾀｶｻｷ ﾘｮｳ", "たかさき　リヨウ", "", None]})
    out = frame.select(comparable_name(pl.col("name")), comparable_kana(pl.col("kana")))
    assert out.rows()[0] == out.rows()[1] == ("高崎太郎", "タカサキリヨウ")
    assert out.rows()[2:] == [(None, None)] * 2


PEOPLE = [("1", "髙橋　太郎", "タカハシタロウ", "1", date(1955, 1, 1)), ("2", "山田 愛", "ヤマダアイ", "2", date(1960, 2, 2)), ("3", "山田 藍", "ヤマダアイ", "2", date(1960, 2, 2)),
          ("4", "森 薫", "モリカオル", "1", date(1970, 3, 3)), ("5", "森 薫", "モリカオル", "2", date(1970, 3, 3))]


def linked(*rows):
    spells = [{"insurer_no": INSURER, "person_id": f"{INSURER}-{n}", "addressee_no": n, "sex": s, "birth_date": b, "gained_on": date(2000, 4, 1), "number": "1"} for n, _, _, s, b in PEOPLE]
    names = [{"insurer_no": INSURER, "person_id": f"{INSURER}-{n}", "name": w, "kana": k} for n, w, k, _, _ in PEOPLE]
    given = [dict(zip(("addressee_no", "name", "kana", "birth_date", "sex"), r, strict=True)) | {"insurer_no": INSURER, "lead_id": str(i)} for i, r in enumerate(rows)]
    schema = ALL["leads"].schema
    told = pl.DataFrame(given, schema={k: schema[k] for k in ("insurer_no", "lead_id", "addressee_no", "name", "kana", "birth_date", "sex")})
    tables = {"leads": told, "eligibility": ALL["eligibility"].conform(pl.DataFrame(spells)), "persons": ALL["persons"].conform(pl.DataFrame(names))}
    return link_people(tables)["leads"].select(pl.col("person_id").str.slice(9), "match_state").rows()


def test_leads_find_their_person_or_say_why_not():
    born = {n: b for n, _, _, _, b in PEOPLE}
    assert linked(
        ("0001", "誰か", None, None, None),  # the number decides
        (None, "高橋太郎", None, born["1"], None),
        (None, None, "ﾀｶﾊｼ ﾀﾛｳ", born["1"], "1"),
        (None, "高橋太郎", None, date(1955, 1, 2), "1"),  # another birth date
        (None, "高橋太郎", None, born["1"], "2"),  # the sex disagrees
        (None, None, "ヤマダ アイ", born["2"], "2"),  # two who are read alike
        (None, "山田藍", None, born["3"], None),
        (None, "森薫", None, born["4"], "2"),
        (None, "森薫", None, born["4"], None),
        (None, "高橋太郎", None, None, "1"),
    ) == [
        ("1", "number"), ("1", "exact"), ("1", "exact"), (None, "none"), (None, "none"), (None, "ambiguous"), ("3", "exact"), ("5", "tie_break"), (None, "ambiguous"), (None, "none"),
    ]


def test_without_a_register_nobody_is_matched():
    rows = pl.DataFrame([{"insurer_no": INSURER, "lead_id": "1", "name": "高橋太郎", "birth_date": date(1955, 1, 1)}])
    assert link_people({"leads": ALL["leads"].conform(rows)})["leads"]["match_state"].to_list() == ["none"]


def test_a_further_delivery_adds_leads_and_replaces_the_register_of_cases():
    def lead(n):
        return {"insurer_no": INSURER, "lead_id": n, "lead_source": "ambulance", "source_ref": n}

    def case(n):
        return {"insurer_no": INSURER, "case_no": n, "case_state": "open"}

    stored = {"leads": [lead("1"), lead("2")], "third_party_cases": [case("1"), case("2")]}
    new = {"leads": ALL["leads"].conform(pl.DataFrame([lead("2"), lead("3")])), "third_party_cases": ALL["third_party_cases"].conform(pl.DataFrame([case("2")]))}
    done = complete(new, lambda name: ALL[name].conform(pl.DataFrame(stored[name])) if name in stored else ALL[name].empty(), lambda name: ALL[name].empty())
    assert sorted(done.tables["leads"]["lead_id"]) == ["1", "2", "3"]
    assert done.tables["third_party_cases"]["case_no"].to_list() == ["2"]
