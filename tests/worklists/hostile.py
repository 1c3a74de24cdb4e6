"""Hostile strings: 10,000 different ones, always the same, of every kind that has hurt a spreadsheet.

"Unchanged" is what audit/worklists/text_safety.py says: a cell holds `cell(text)`, in which characters that a workbook
cannot carry stand as visible pairs, and `unescape` of what comes back is the text itself, character for character. A text
longer than CELL_MAX comes back as its beginning and CUT. The one exception: line ends that a reviewer typed are kept in
the ledger as LF, whether they came as CR LF, CR or LF: programs save them differently. On the way out CR stays CR.
"""

from __future__ import annotations

import random

from audit.worklists import text_safety

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "−", "﹣", "'", "''", '"', " =", "\u00a0=", "\u3000=", "\u200b=", "\ufeff=", "|", ";", ","]
FORMULAS = [
    "1+1", "cmd|' /C calc'!A0", "HYPERLINK(\"http://127.0.0.1/?x=\"&A1,\"開く\")", "SUM(1+1)*cmd|' /C calc'!A0", "IMPORTXML(CONCAT(\"http://x/\",A1),\"//a\")", "DDE(\"cmd\";\"/C calc\";\"__\")",
    "WEBSERVICE(\"http://127.0.0.1/\")", "INDIRECT(\"_meta!B1\")", "RTD(\"x\",,\"y\")", "１＋１", "ＳＵＭ（Ａ１）", "2+5+cmd|' /C notepad'!'A1'", "MSEXCEL|'\\..\\..\\calc.exe'!''", "@SUM(1)", "TRUE", "1E+11",
]
WORDS = [
    "国保 太郎", "髙橋 﨑子", "𠮷野家", "ｺｸﾎ ﾀﾛｳ", "000123", "00131001", "1.23E+11", "2026-09", "9-1", "1/2", "TRUE", "#REF!", "#N/A", "NULL", "nan", "0x1F", "１２３", "¥1,000", "50%", "12:30", "－－", "～〜−‖—¢£¬",
    "葛\U000e0100城", "辻\U000e0101", "か\u3099", "が", "ﾊﾟ", "①㈱㋿", "\ue000\uf8ff", "\U000f0000\U0010fffd", "👨‍👩‍👧‍👦🇯🇵", "é", "ﬁ", "שלום", "مرحبا", "\u202e国保\u202c", "\u2066x\u2069", "\u200f\u200e", "\u00ad", "\u2028\u2029", "\u0085\x7f",
    "_x000D_", "_x0041_", "_x005F_x000D_", "x005F_", "_xD83D_", "__x0000_", "<r>x</r>", "<r><t>x</t></r>", "&lt;&amp;", "]]>", "<!--", "<![CDATA[x]]>", "{\\rtf1 x}", "${jndi:ldap://x}", "../../etc", "%00", "a\x00b", "\x01\x1b[31m", "\ufffe\uffff", "\x0b\x0c",
    "a,b", "a;b", "a\tb", "a\nb", "a\r\nb", "a\rb", '"', '""', "','", '",=1+1,"', "\\", "\\n", "␥", "␥␣x", "␥␥", "…（以下省略）", "ー", "〓", "   ", "\u3000",
]


def strings(n: int, seed: int = 20261121) -> list[str]:
    """Return n different strings; no blank ones and no lone surrogates (no file can bring those in)."""
    chance = random.Random(seed)
    every = [s + f for s in STARTS for f in FORMULAS] + WORDS + [s + w for s in STARTS for w in WORDS] + ["長" * 20_000, "=" * 16_000, "\x01" * 15_000]
    made = dict.fromkeys(t for t in every if t.strip())
    while len(made) < n:
        parts = [chance.choice(STARTS), chance.choice(FORMULAS), chance.choice(WORDS), _any(chance)]
        chance.shuffle(parts)
        text = "".join(parts[: chance.randrange(1, 5)]) + chance.choice(["", str(chance.randrange(1000))])
        made |= {text: None} if text.strip() else {}
    return list(made)[:n]


def sample(n: int) -> list[str]:
    """Return n of 10,000 strings, of every kind some."""
    return strings(10_000)[:: 10_000 // n][:n]


def _any(chance: random.Random) -> str:
    """Any character but halves of surrogate pairs."""
    first, last = chance.choice([(0, 0x20), (0x20, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000)])
    return chr(chance.randrange(first, last))


def unchanged(text: str) -> str:
    """Return what must come back of a text."""
    return text if len(text) <= text_safety.CELL_MAX else text[: text_safety.CELL_MAX] + text_safety.CUT


def kept(text: str) -> str:
    """Return what the ledger keeps of a text that a reviewer typed: line ends are LF."""
    return unchanged(text).replace("\r\n", "\n").replace("\r", "\n")
