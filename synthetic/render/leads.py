"""CSV files of other bodies' lists, the register of third-party cases, the first review's cuts, the prefecture's rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig, catalog
from synthetic.population import People, insurer_numbers
from synthetic.render.persons import PersonTexts
from synthetic.render.tables import write_csv
from synthetic.render.text import day_text

FILES = {
    "消防救急搬送": "ambulance", "地域包括支援センター": "care_center", "消費生活センター": "consumer", "保健所食中毒": "health", "葬祭費窓口": "funeral",
    "高額療養費窓口": "high_cost", "国保連重複受診者リスト": "kokuhoren",
}
_HALF = dict(zip("アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンッャュョー", "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝｯｬｭｮｰ", strict=True)) | {
    "ガ": "ｶﾞ", "ギ": "ｷﾞ", "グ": "ｸﾞ", "ゲ": "ｹﾞ", "ゴ": "ｺﾞ", "ザ": "ｻﾞ", "ジ": "ｼﾞ", "ズ": "ｽﾞ", "ゼ": "ｾﾞ", "ゾ": "ｿﾞ", "ダ": "ﾀﾞ", "デ": "ﾃﾞ", "ド": "ﾄﾞ",
    "バ": "ﾊﾞ", "ビ": "ﾋﾞ", "ブ": "ﾌﾞ", "ベ": "ﾍﾞ", "ボ": "ﾎﾞ", "パ": "ﾊﾟ", "ピ": "ﾋﾟ", "プ": "ﾌﾟ", "ペ": "ﾍﾟ", "ポ": "ﾎﾟ",
}
STRANGERS = 4  # entries of people of other towns on each ambulance list


def write_leads(cfg: TownConfig, people: People, texts: PersonTexts, leads: pl.DataFrame, month: Month, folder: Path) -> list[str]:
    """Write one list per body; return the file names.

    Names come as bodies write them: without the blank, with variant characters, as half-width kana alone. Each ambulance
    list also holds a few people whom the register does not know.
    """
    rows = pl.Series(leads["person"])
    style = leads["style"]
    name, kana, blank = texts.name.gather(rows), texts.kana.gather(rows), pl.Series([""] * leads.height, dtype=pl.String)
    squeezed = name.str.replace_all("　", "").str.replace_all("高", "髙").str.replace_all("崎", "﨑")
    half = kana.str.replace_many(list(_HALF), list(_HALF.values()))
    only_kana = style == 2
    birth = people.birth[leads["person"].to_numpy()] + leads["birth_shift"].to_numpy()
    frame = pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows), "情報源": leads["source"], "整理番号": pl.select(pl.concat_str(pl.lit(f"{month.yyyymm}-"), leads["number"].cast(pl.String).str.zfill(6))).to_series(),
        "氏名": blank.zip_with(only_kana, squeezed.zip_with(style == 1, name)), "カナ氏名": half.zip_with(only_kana, kana.zip_with(style == 0, blank)),
        "生年月日": day_text(birth).zip_with(style != 3, day_text(birth, "era")),
        "性別": pl.Series(people.sex[leads["person"].to_numpy()].astype(np.int64)).cast(pl.String), "発生年月日": day_text(leads["day"]),
        "事故種別": leads["category"], "概要": leads["text"],
    })
    insurers = insurer_numbers(cfg.insurers)
    strangers = pl.DataFrame({
        "保険者番号": [insurers[i % len(insurers)] for i in range(STRANGERS)], "情報源": ["消防救急搬送"] * STRANGERS, "整理番号": [f"{month.yyyymm}-X{i:05d}" for i in range(STRANGERS)],
        "氏名": ["九十九　旅人"] * STRANGERS, "カナ氏名": [""] * STRANGERS, "生年月日": ["19010101"] * STRANGERS, "性別": ["1"] * STRANGERS,
        "発生年月日": day_text(np.full(STRANGERS, month.first + 4)), "事故種別": ["交通"] * STRANGERS, "概要": [""] * STRANGERS,
    })
    everyone = pl.concat([frame, strangers]).sort("情報源", "整理番号")
    names = []
    for source, stem in FILES.items():
        mine = everyone.filter(pl.col("情報源") == source)
        if mine.height:
            names.append(f"leads_{stem}_{month.yyyymm}.csv")
            write_csv(mine, folder / names[-1])
    return names


def write_cases(texts: PersonTexts, cases: pl.DataFrame, month: Month, path: Path) -> None:
    """Write the register of third-party cases as of the month's end."""
    rows, n = pl.Series(cases["person"]), cases.height
    answered = cases["answered"].to_numpy()
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows), "事案番号": cases["number"].cast(pl.String).str.zfill(6), "宛名番号": texts.addressee.gather(rows),
        "事故年月日": day_text(cases["accident"]), "照会年月日": day_text(cases["inquired"]), "回答年月日": day_text(answered), "傷病届受理日": pl.Series([""] * n, dtype=pl.String),
        "最終督促日": day_text(cases["reminded"]), "事案状態": pl.Series(np.where(answered < 0, "照会中", "求償中").tolist(), dtype=pl.String), "求償見込額": cases["yen"].cast(pl.String),
        "基準日": day_text(np.full(n, month.last)),
    }).sort("事案番号"), path)


def write_cuts(texts: PersonTexts, cuts: pl.DataFrame, month: Month, path: Path) -> None:
    """Write the acts that the first review cut."""
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(pl.Series(cuts["person"])), "検索番号": cuts["search"].cast(pl.String), "診療年月": [str(month.yyyymm)] * cuts.height,
        "診療行為コード": cuts["code"].cast(pl.String).str.zfill(9), "増減点事由": cuts["letter"], "請求点数": cuts["before"].cast(pl.String),
        "決定点数": ["0"] * cuts.height,
    }, schema_overrides={"診療年月": pl.String, "決定点数": pl.String}), path)


def write_rates(cfg: TownConfig, month: Month, path: Path) -> None:
    """Write the prefecture's re-review results per act: some acts are won often, most now and then."""
    codes = catalog("procedures")["code"].cast(pl.String).sort()
    rng = cfg.rng("rereview-rates")
    asked = rng.integers(0, 400, len(codes))
    upheld = rng.binomial(asked, rng.beta(2, 3, len(codes)))
    write_csv(pl.DataFrame({
        "保険者番号": [insurer_numbers(cfg.insurers)[0]] * len(codes), "診療行為コード": codes.str.zfill(9), "申出件数": pl.Series(asked).cast(pl.String), "査定件数": pl.Series(upheld).cast(pl.String),
    }), path)
