"""CSV files of the paper forms: care abroad, therapeutic devices, exchange rates, and their column mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.forms import COUNTRIES, CURRENCIES, PAPERS, last_open, rate_of
from synthetic.population import People
from synthetic.render.persons import PersonTexts
from synthetic.render.tables import write_csv
from synthetic.render.text import day_text

_PERSON = {"insurer_no": "保険者番号", "claim_no": "整理番号", "symbol": "記号", "number": "番号", "branch": "枝番", "sex": "性別", "birth_date": "生年月日", "received_on": "申請日", "claimed_yen": "支給額", "benefit_rate": "給付割合"}
_OVERSEAS = {
    "decided_on": "支給決定日", "country": "診療国", "hospital": "医療機関名", "treated_from": "診療開始日", "treated_to": "診療終了日", "departed_on": "出国日", "returned_on": "帰国日", "translator": "翻訳者",
    "content_sheet": "診療内容明細書", "receipt_sheet": "領収明細書", "receipt": "領収書", "translation": "日本語訳", "translator_signed": "翻訳者署名", "travel_proof": "渡航確認書類", "consent": "同意書",
    "currency": "通貨", "foreign_amount": "現地支払額", "exchange_rate": "換算率", "standard_yen": "国内標準額", "total_yen": "支給対象額",
}
_ORTHOSIS = {
    "institution_id": "医療機関コード", "maker": "製作所", "device_kind": "装具の種類", "side": "左右", "is_repair": "修理区分", "reissue_reason": "再製作理由", "ordered_on": "医師の指示日",
    "fitted_on": "装着日", "paid_on": "領収日", "quantity": "数量", "amount_yen": "費用額", "photo": "写真",
}
_RATES = {"insurer_no": "保険者番号", "currency": "通貨", "rate_on": "適用日", "selling_rate": "売レート"}


def forms_mapping() -> str:
    """Return the column mapping of the three files."""
    parts = ['description_ja = "海外療養費・治療用装具・換算率（合成データ）"']
    for kind, columns in (("overseas_claims", _PERSON | _OVERSEAS), ("orthosis_claims", _PERSON | _ORTHOSIS), ("exchange_rates", _RATES)):
        parts += ["", f"[{kind}]", "header = true", "", f"[{kind}.columns]", *(f'{field} = "{name}"' for field, name in columns.items())]
    return "\n".join(parts) + "\n"


def numbered(forms: pl.DataFrame, letter: str, month: Month) -> pl.DataFrame:
    """Return the forms with their 整理番号 in `no`, in order."""
    return forms.with_columns(no=pl.format("{}{}{}", pl.lit(letter), pl.lit(str(month.yyyymm)), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5)))


def _person(forms: pl.DataFrame, people: People, texts: PersonTexts) -> dict[str, pl.Series]:
    rows = forms["person"]
    person = rows.to_numpy()
    return {
        "保険者番号": texts.insurer8.gather(rows), "整理番号": forms["no"], "記号": texts.symbol.gather(rows), "番号": texts.number.gather(rows), "枝番": texts.branch.gather(rows),
        "性別": pl.Series(people.sex[person].astype(np.int64)).cast(pl.String), "生年月日": day_text(people.birth[person]), "申請日": day_text(forms["received"]),
        "支給額": forms["claimed"].cast(pl.String), "給付割合": forms["share"].cast(pl.String),
    }


def write_overseas(people: People, texts: PersonTexts, forms: pl.DataFrame, path: Path) -> None:
    """Write forms of care abroad (`no` as `numbered` gives it)."""
    said = {"person": _person(forms, people, texts)}["person"]

    def named(column: str, prefix: str) -> pl.Series:
        return forms.select(pl.when(pl.col(column) < 0).then(pl.lit("")).otherwise(pl.lit(prefix) + pl.col(column).cast(pl.String))).to_series()

    write_csv(pl.DataFrame({
        **said, "支給決定日": day_text(forms["decided"]), "診療国": pl.Series(COUNTRIES).gather(forms["currency"]), "医療機関名": named("hospital", "HOSPITAL "),
        "診療開始日": day_text(forms["begins"]), "診療終了日": day_text(forms["ends"]), "出国日": day_text(forms["departed"]), "帰国日": day_text(forms["returned"]), "翻訳者": named("translator", "翻訳者"),
        **{_OVERSEAS[p]: forms[p].cast(pl.String) for p in PAPERS}, "通貨": pl.Series(CURRENCIES).gather(forms["currency"]), "現地支払額": forms["foreign"].cast(pl.String),
        "換算率": forms["used"].round(4).cast(pl.String), "国内標準額": forms["standard"].cast(pl.String), "支給対象額": forms["total"].cast(pl.String),
    }), path)


def write_orthosis(people: People, texts: PersonTexts, forms: pl.DataFrame, path: Path) -> None:
    """Write devices, one to a form (`no` as `numbered` gives it)."""
    write_csv(pl.DataFrame({
        **_person(forms, people, texts), "医療機関コード": "整形" + forms["hospital"].cast(pl.String).str.zfill(3), "製作所": "義肢製作所" + forms["maker"].cast(pl.String).str.zfill(2),
        "装具の種類": forms["kind"], "左右": pl.Series(["", "左", "右", "両"]).gather(forms["side"]), "修理区分": pl.Series(["新規", "修理"]).gather(forms["repair"]),
        "再製作理由": pl.Series(["なし", "破損"]).gather(forms["reason"]), "医師の指示日": day_text(forms["ordered"]), "装着日": day_text(forms["fitted"]), "領収日": day_text(forms["paid"]),
        "数量": forms["quantity"].cast(pl.String), "費用額": forms["amount"].cast(pl.String), "写真": forms["photo"].cast(pl.String),
    }), path)


def write_exchange_rates(month: Month, insurers: list[str], path: Path) -> None:
    """Write the month's rates of every weekday, for each insurer."""
    days = np.arange(month.first, month.last + 1)
    days = days[last_open(days) == days]
    day, currency, insurer = (x.ravel() for x in np.meshgrid(days, np.arange(len(CURRENCIES)), np.arange(len(insurers)), indexing="ij"))
    write_csv(pl.DataFrame({
        "保険者番号": pl.Series(insurers).gather(insurer), "通貨": pl.Series(CURRENCIES).gather(currency), "適用日": day_text(day),
        "売レート": pl.Series(rate_of(day, currency)).cast(pl.String),
    }), path)
