"""A folder of files to a plan: kinds by content, overrides, and every way in which a delivery can be wrong."""

import os
import zipfile
from datetime import date

import pytest

from audit.errors import (
    AuditError,
    DeliveryError,
    DuplicateFileError,
    EmptyFileError,
    EncodingError,
    FileKindError,
    LayoutError,
    ManyErrors,
)
from audit.intake.detect import plan_delivery
from audit.intake.mapping import KINDS as SECTION_KINDS
from audit.intake.mapping import LAYOUTS, shipped_sections
from audit.intake.readers import read

JUDO = "整理番号,施術年月,登録記号番号,番号,性別,生年月日,実日数,合計金額,施術日\r\nA1,202410,協1,1,1,19600101,1,500,1\r\n"
PARTS = "整理番号,負傷名,転帰\r\nA1,腰部捻挫,治癒\r\n"
REGISTER = "宛名番号,番号,性別,生年月日,資格取得日,氏名\r\n1,1,1,19600101,20200401,山田\r\n"
PRACTITIONERS = "登録記号番号,宛名番号,関係\r\n協1,1,本人\r\n"
LINK = "宛名番号,介護保険者番号,介護被保険者番号\r\n1,112219,1\r\n"
CARE = "1,1,0,1,711,0,0,1170000001,0,7,202411,1\r\n2,2,7131,01,202410,1170000001,112219,1,,,,,,,19500101,1,21\r\n3,3\r\n"
RECORDS = "1,1,0,1,111,0,0,0,0,7,202411,1\r\n2,2,1116,7131,H1,1,112219,1,202410\r\n3,3\r\n"
MASTER = '"0","Z","8002"' + ',""' * 3 + ',"の疑い"' + ',""' * 12 + "\r\n"
MEDICAL = "IR,2,11,1,1234567,,病院,202411,00,\r\nRE,1,1112,202410,氏名,1,19600101\r\nHO,  110221,埼,1,1,100\r\nGO,1,100,99\r\n"
FILES = {
    "a.csv": (JUDO, "judo_claims"), "b.csv": (PARTS, "judo_parts"), "c.csv": (REGISTER, "eligibility"), "d.csv": (LINK, "person_link"), "e.csv": (CARE, "care_claims"),
    "f.csv": (RECORDS, "care_records"), "g_20250601.txt": (MASTER, "master_z"), "h.txt": (MEDICAL, "uke_med"), "i.csv": (PRACTITIONERS, "practitioners"),
}


@pytest.fixture
def folder(tmp_path):
    """Write a delivery: name -> text or bytes; delivery.toml as text."""

    def write(files, toml=None):
        for name, content in files.items():
            path = tmp_path / "delivery" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("cp932"))
        if toml is not None:
            (tmp_path / "delivery").mkdir(exist_ok=True)
            (tmp_path / "delivery" / "delivery.toml").write_text(toml, encoding="utf-8")
        return tmp_path / "delivery"

    return write


def refused(place, error=AuditError):
    with pytest.raises(error) as caught:
        plan_delivery(place)
    assert type(caught.value) is error
    return str(caught.value)


def test_every_kind_is_told_by_content(folder):
    place = folder({n: c for n, (c, _) in FILES.items()})
    plan = plan_delivery(place)
    assert {f.name: f.kind for f in plan.files} == {n: k for n, (_, k) in FILES.items()}
    assert [f.name for f in plan.files] == sorted(FILES)
    assert next(f for f in plan.files if f.kind == "master_z").revision == date(2025, 6, 1)
    assert (plan.month, plan.insurers, plan.problems) == (None, (), ())




@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_encoding_is_told_by_content(folder, encoding):
    plan = plan_delivery(folder({"a.csv": JUDO.encode(encoding)}))
    assert plan.files[0].encoding == ("cp932" if encoding == "cp932" else "utf-8")
    assert plan.files[0].kind == "judo_claims"


def test_planned_files_can_be_read(folder):
    plan = plan_delivery(folder({n: c for n, (c, k) in FILES.items() if not k.startswith(("care_records", "uke"))}, 'insurer_no = "110221"'))
    for file in plan.files:
        result = read(file, {"00110221"})
        assert result.rows_in == result.rows_in_tables + result.quarantine["rows"].sum()
        assert all(t.height for n, t in result.tables.items() if n not in ("care_lines", "care_totals", "superseded")), file.name


SETTINGS = """
insurer_no = "110221"
insurers = ["110221", "00110239"]
month = "2026-10"
[[file]]
name = "sub/own.txt"
kind = "judo_claims"
layout = "own.toml"
encoding = "Shift_JIS"
insurer_no = "110239"
[[file]]
glob = "*.pdf"
ignore = true
[[file]]
name = "z.csv"
revision = 2024-06-01
[[file]]
name = "e.csv"
care_insurers = { "112219" = "110221" }
"""


def test_delivery_toml_overrides(folder):
    plan = plan_delivery(folder({"sub/own.txt": "x\r\n1\r\n", "letter.pdf": b"%PDF-1", "z.csv": MASTER, "e.csv": CARE, "own.toml": "# mapping", ".hidden": "x", "~$own.xlsx": "x"}, SETTINGS))
    own, care, master = (next(f for f in plan.files if f.name == n) for n in ("sub/own.txt", "e.csv", "z.csv"))
    assert (own.kind, own.encoding, own.insurer_no) == ("judo_claims", "cp932", "00110239")
    assert own.layout.endswith("delivery/own.toml")
    assert (care.insurer_no, care.options) == ("00110221", {"care_insurers": {"00112219": "00110221"}, "insurers": ["00110221", "00110239"]})
    assert master.revision == date(2024, 6, 1)
    assert (plan.insurers, plan.month, plan.ignored) == (("00110221", "00110239"), "2026-10", ("letter.pdf",))
    assert len(plan.files) == 3


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('insurer = "110221"', "unknown keys ['insurer']"),
        ("insurer_no = 110221", "insurer_no holds something that is no 保険者番号"),
        ('insurers = "110221"', "insurers is not a list"),
        ('insurers = ["11022x"]', "insurers holds something that is no 保険者番号"),
        ('month = "2026-13"', "month is not a month"),
        ("month = 202610", "month is not a month"),
        ("file = 1", "file is not a list"),
        ('[[file]]\nname = "a.csv"\nkinds = "x"', "[[file]] a.csv: unknown keys ['kinds']"),
        ('[[file]]\nname = "a.csv"\nkind = "judo"', "kind 'judo' is not known"),
        ('[[file]]\nkind = "judo_claims"', "[[file]] number 1: needs either name or glob"),
        ('[[file]]\nname = "a.csv"\nglob = "*"', "needs either name or glob"),
        ('[[file]]\nname = "a.csv"\nencoding = "euc-jp"', "encoding is not known"),
        ('[[file]]\nname = "a.csv"\nlayout = "../secret.toml"', "layout is no file name inside the delivery"),
        ('[[file]]\nname = "a.csv"\nlayout = "/etc/passwd"', "layout is no file name inside the delivery"),
        ('[[file]]\nname = "a.csv"\nrevision = "R6.6.1"', "revision is not a day"),
        ('[[file]]\nname = "a.csv"\nignore = "yes"', "ignore is not true or false"),
        ('[[file]]\nname = "a.csv"\ncare_insurers = 3', "care_insurers is not a table"),
        ('[[file]]\nname = "a.csv"\n[[file]]\nname = "a.csv"', "two entries for a.csv"),
        ('[[file]]\nname = "gone.csv"', "gone.csv is not in the delivery"),
        ("month = ", "not readable as TOML"),
    ],
)
def test_mistakes_in_delivery_toml(folder, toml, problem):
    said = refused(folder({"a.csv": JUDO}, toml), DeliveryError)
    assert said.startswith("delivery.toml: ")
    assert problem in said
    assert " → " in said
    assert "\n" not in said


def test_delivery_toml_that_is_no_utf8(folder):
    place = folder({"a.csv": JUDO, "delivery.toml": 'month = "十月"'})
    assert "not readable as UTF-8" in refused(place, DeliveryError)


def test_no_folder(tmp_path):
    assert refused(tmp_path / "gone", DeliveryError) == "gone: no such folder → give the folder that holds the month's files"


def test_empty_folder(tmp_path):
    assert "holds no files" in refused(tmp_path, DeliveryError)


@pytest.mark.parametrize("content", [b"", b"\r\n \r\n\x1a"])
def test_empty_file(folder, content):
    assert refused(folder({"a.csv": content}), EmptyFileError).startswith("a.csv: ")


@pytest.mark.parametrize(
    "content",
    [JUDO.encode("utf-16"), ("山田太郎は、今日も元気に学校へ行く。\n" * 20).encode("euc_jp"), "日本\n".encode("iso2022_jp"), b"\x00\x01\x02" * 50, bytes(range(128, 256)) * 20],
    ids=["utf-16", "euc-jp", "jis", "nul", "noise"],
)
def test_wrong_encoding(folder, content):
    said = refused(folder({"a.csv": content}), EncodingError)
    assert said.startswith("a.csv: ")
    assert said.endswith("save it as CP932 (Shift_JIS) or UTF-8 and deliver it again")


def test_half_width_kana_is_not_taken_for_euc(folder):
    kana = REGISTER.replace("山田", "ﾔﾏﾀﾞ ﾀﾛｳ").replace("氏名", "カナ氏名")
    assert plan_delivery(folder({"a.csv": kana + "".join(f"{i},1,1,19600101,20200401,ｻﾄｳ ﾊﾅｺ\r\n" for i in range(2, 40))})).files[0].encoding == "cp932"


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("note.txt", "きょうの連絡事項です。\r\nよろしく。\r\n", "text without columns"),
        ("other.csv", "品名,数量\r\nりんご,3\r\n", "a header of 2 columns that fits no mapping"),
        ("plan.csv", "1,1,0,1,821,0,0,0,0,7,202411,1\r\n2,2,8222,202410,112219\r\n3,3\r\n", "care exchange id 8222"),
    ],
)
def test_kind_that_cannot_be_told(folder, name, content, seen):
    said = refused(folder({name: content}), FileKindError)
    assert said.startswith(f"{name}: its kind cannot be told (it has {seen}); looked for UKE")
    assert f'name = "{name}"' in said
    assert "delivery.toml" in said


@pytest.mark.parametrize(("content", "what"), [(b"%PDF-1.7", "a PDF"), (b"\xd0\xcf\x11\xe0rest", "an old Excel"), (b"\x89PNG\r\n", "a picture")])
def test_files_that_are_no_text(folder, content, what):
    assert f"a.csv: {what}" in refused(folder({"a.csv": content}), FileKindError)


def test_excel_workbook_and_other_archives(folder, tmp_path):
    place = folder({"a.csv": JUDO})
    with zipfile.ZipFile(place / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    assert "an Excel workbook" in refused(place, FileKindError)
    (place / "book.xlsx").unlink()
    with zipfile.ZipFile(place / "judo.zip", "w") as archive:
        archive.writestr("judo.csv", JUDO.replace("A1", "A9").encode("cp932"))
    assert "only official masters are read from a zip" in refused(place, FileKindError)


def test_master_in_a_zip_takes_its_date_from_inside(folder):
    place = folder({"a.csv": JUDO})
    with zipfile.ZipFile(place / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z_ALL20240315.csv", MASTER.encode("cp932"))
    master = next(f for f in plan_delivery(place).files if f.name == "z.zip")
    assert (master.kind, master.revision) == ("master_z", date(2024, 3, 15))


def test_master_without_a_date(folder):
    assert "no date in the master's name" in refused(folder({"z.csv": MASTER}), DeliveryError)


def test_judo_with_a_column_missing_names_it(folder):
    said = refused(folder({"a.csv": JUDO.replace("生年月日", "生年")}), LayoutError)
    assert said.startswith("a.csv:1: looks like judo_claims, but required columns are missing: 生年月日")


def test_the_same_bytes_twice(folder):
    said = refused(folder({"a.csv": JUDO, "b.csv": JUDO}), DuplicateFileError)
    assert said.startswith("b.csv: the same bytes as a.csv → ")


def test_wrong_kind_is_found_by_the_reader(folder):
    plan = plan_delivery(folder({"a.csv": REGISTER}, '[[file]]\nname = "a.csv"\nkind = "judo_claims"'))
    with pytest.raises(LayoutError, match=r"a\.csv:1: required columns are missing: .*施術年月"):
        read(plan.files[0], {"00110221"})


@pytest.mark.parametrize(
    ("content", "said", "seen"),
    [(MEDICAL, "uke_pha", "uke_med"), (MEDICAL, "judo_claims", "uke_med"), (JUDO, "care_claims", "judo_claims"), (CARE, "care_records", "care_claims"), (MASTER, "master_s", "master_z")],
)
def test_kind_that_content_proves_wrong(folder, content, said, seen):
    error = refused(folder({"a.csv": content}, f'[[file]]\nname = "a.csv"\nkind = "{said}"\nrevision = "2024-06-01"'), FileKindError)
    assert error.startswith(f"a.csv: delivery.toml says {said}, its content says {seen} → ")


def test_a_dpc_file_may_call_itself_medical(folder):
    place = folder({"a.csv": MEDICAL}, '[[file]]\nname = "a.csv"\nkind = "uke_dpc"')
    assert plan_delivery(place).files[0].kind == "uke_dpc"


def test_japanese_file_names(folder):
    """Full-width blanks, brackets, sub-folders; a name that another system has written in parts is the same name."""
    apart = "\u30db\u309a.csv"  # ポ as ホ and its mark
    place = folder({"国保　柔整/申請書　令和６年（10月）.csv": JUDO, apart: LINK}, '[[file]]\nname = "ポ.csv"\nkind = "person_link"\n')
    assert {f.name: f.kind for f in plan_delivery(place).files} == {"国保　柔整/申請書　令和６年（10月）.csv": "judo_claims", apart: "person_link"}


def test_a_stray_nul_is_no_matter_of_the_file(folder):
    place = folder({"a.csv": JUDO.replace(",協1,", ",協\0" + "1,")})
    assert plan_delivery(place).files[0].kind == "judo_claims"
    refused(folder({"b.csv": REGISTER.encode("utf-16-le")}), EncodingError)


@pytest.mark.parametrize("name", ["a\u202eb.csv", "a\u2028b.csv"])
def test_file_names_that_mislead(folder, name):
    assert "written down" in refused(folder({name: JUDO}), DeliveryError)


def test_file_names_that_cannot_be_written_down(folder):
    place = folder({"a.csv": JUDO})
    (place / "b\nc.csv").write_bytes(PARTS.encode("cp932"))
    with open(os.path.join(os.fsencode(place), "柔整.csv".encode("cp932")), "wb") as stream:
        stream.write(REGISTER.encode("cp932"))
    said = refused(place, ManyErrors).split("\n")
    assert [s.split(":")[1] for s in said] == [" a file name that cannot be written down → rename the file"] * 2
    assert said[0].isascii() is False
    assert all(s.split(":")[0].isascii() for s in said)


def test_paths_do_not_depend_on_the_working_folder(folder, monkeypatch):
    place = folder({"a.csv": JUDO})
    monkeypatch.chdir(place)
    assert plan_delivery(place.__class__(".")).files[0].path == place / "a.csv"


def test_links_that_lead_outside(folder, tmp_path):
    (tmp_path / "secret.csv").write_bytes(JUDO.encode("cp932"))
    (tmp_path / "elsewhere").mkdir()
    place = folder({"a.csv": PARTS})
    os.symlink(tmp_path / "secret.csv", place / "link.csv")
    os.symlink(tmp_path / "elsewhere", place / "sub")
    said = refused(place, ManyErrors).split("\n")
    assert [s.split(":")[0] for s in said] == ["link.csv", "sub"]
    assert all("a link that leads outside the delivery" in s for s in said)


def test_layout_link_that_leads_outside(folder, tmp_path):
    (tmp_path / "own.toml").write_text("", encoding="utf-8")
    place = folder({"a.csv": JUDO}, '[[file]]\nname = "a.csv"\nlayout = "own.toml"')
    os.symlink(tmp_path / "own.toml", place / "own.toml")
    said = refused(place, ManyErrors)
    assert "leads outside the delivery" in said


def test_missing_layout(folder):
    said = refused(folder({"a.csv": JUDO}, '[[file]]\nname = "a.csv"\nlayout = "gone.toml"'), LayoutError)
    assert said.startswith("a.csv: layout gone.toml is neither in the delivery nor shipped")


def test_care_claims_of_several_insurers_need_to_be_placed(folder):
    said = refused(folder({"e.csv": CARE}, 'insurers = ["110221", "110239"]'), DeliveryError)
    assert said.startswith("e.csv: a care file does not name the NHI insurer")


def test_all_problems_come_at_once(folder):
    place = folder({"a.csv": b"", "b.csv": "x,y\r\n1,2\r\n", "c.csv": JUDO, "d.csv": JUDO}, 'colour = "red"')
    with pytest.raises(ManyErrors) as caught:
        plan_delivery(place)
    assert [type(e) for e in caught.value.errors] == [DeliveryError, EmptyFileError, FileKindError, DuplicateFileError]
    assert caught.value.exit_code == DeliveryError.exit_code
    assert [type(e) for e in plan_delivery(place, raise_problems=False).problems] == [type(e) for e in caught.value.errors]


def test_errors_have_their_own_exit_codes():
    kinds = (DeliveryError, FileKindError, EncodingError, EmptyFileError, LayoutError, DuplicateFileError)
    assert len({k.exit_code for k in kinds}) == len(kinds)


def test_shipped_mappings_name_known_fields_and_say_how_far_to_trust_them():
    assert {s.kind for s in shipped_sections()} == set(SECTION_KINDS)
    for path in LAYOUTS.glob("*.toml"):
        assert 'trust = "' in path.read_text(encoding="utf-8"), path.name
