"""The kind of a file from its first records."""

import pytest

from audit.intake.uke.header import uke_kind

RE = "RE,1,1112,202604,サンプル,1,19500203"


@pytest.mark.parametrize(("text", "kind"), [
    ("IR,2,23,1,0112341,,みほん医院,202605,00,\r\n" + RE, "uke_med"),
    ("IR,2,23,2,0112341,,みほん病院,202605,00,\r\n", "uke_dpc"),
    ("IR,2,23,1,0112341,,みほん病院,202605,00,\r\n" + RE + "\r\nBU,040080x199x0xx,20260401\r\n", "uke_dpc"),
    ("IR,2,23,3,0312343,,202605\r\n", "uke_den"),
    ("UK,2,23,3,0312343,,みほん歯科,202605,,00\r\n", "uke_den"),
    ("YK,2,23,4,0212342,みほん薬局,202605,00,\r\n", "uke_pha"),
    ("HM,2,23,6,0612346,みほん,202605,\r\n", "uke_nur"),
    ("HI,2,202605,23,4,0212342,,00\r\n1,1,0,YK,2,23,4\r\n", "uke_pha"),
    ("1,1,0,MN,1234567890123456,名古屋市\r\n1,2,0,YK,2,23,4\r\n", "uke_pha"),
    ("1,1,0,MN,1\r\n1,2,0,IR,2,23,1,0112341\r\n1,3,0,RE,1,1111\r\n1,4,0,BU,04\r\n", "uke_dpc"),
    ("MN,1\r\n" + RE, "uke_med"),
    (RE.replace("1112", "4112"), "uke_pha"),
    ("IR,2,23\r\n", None), ("IR,2,23,9,1\r\n", None), ("RE,1,x\r\n", None), ("MN,1\r\n", None),
    ("1,1,0,5,711,0,0,2370100000,0,1,202605,1\r\n", None), ('0,"S",111000110,"初診料"\r\n', None), ("", None),
    ("GO,1,2,99\r\n", None), ("保険者番号,記号\r\n", None), ("\r\n", None),
])
def test_kind(text: str, kind: str | None) -> None:
    assert uke_kind(text.encode("cp932")) == kind


def test_broken_first_line_is_not_the_end() -> None:
    """One broken line at the top must not hide the kind of a whole file."""
    assert uke_kind(("I\r\n" + RE + "\r\n").encode("cp932")) == "uke_med"
    assert uke_kind(b"a,b\r\nREPORT,1,2\r\n") is None
