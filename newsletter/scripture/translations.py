"""What translations are called: to see whether a bulletin says which one it quotes."""

import re
from functools import cache

# Abbreviations count in capitals only: "web" is something else.
_SHORT = """
AMP AMPC ASV AV BSB CEB CEV CJB CSB ERV ESV ESVUK GNB GNT GW HCSB ICB ISV JB JUB KJV LEB MEV MSG
NAB NABRE NASB NCB NCV NET NEB NIRV NIV NIVUK NIVUK84 NJB NKJV NLT NLV NRSV NRSVA NRSVUE OEB REB
RSV RSVCE RV TLB TLV TNIV TPT WEB WEBBE WYC YLT
LUT LU ELB EÜ GNB HFA NGÜ SLT SCH ZB NLB BB MENG
LSG NBS S21 BDS TOB BFC NFC PDV BJ PDVF NEG DRB
RVR RVR60 RVR1960 RVR95 RVA RVC NVI NTV LBLA NBLA DHH TLA BLP BLPH PDT BTX NBV JBS
ARA ARC NAA NTLH NVT ACF KJA BKJ TB VFL
RST RSO CARS НРП РБО BTI СП NRT
VD SVD NAV KEH GNA SAB
NMV PCB TPV OPV POV URD UGV IRV
KRV NKRV KLB RNKSV KNT
CUV CUVS CUVT CUVMP RCUV CNV CNVS CSBS CCB LZZ
"""
# In words, in any case and with anything before or behind.
_LONG = r"""
king james|new king james|new international version|english standard|new living translation
|new revised standard|revised standard|good news (?:bible|translation)|world english bible
|american standard|new american|christian standard|amplified bible|contemporary english
|lutherbibel|luther(?:übersetzung)?(?:\s(?:19|20)\d\d)|elberfelder|einheitsübersetzung|schlachter
|gute nachricht|hoffnung für alle|neue genfer|basisbibel|zürcher bibel|menge[- ]bibel
|louis segond|segond\s?21|segond|semeur|bible de jérusalem|français courant|parole de vie|darby
|reina[- ]valera|nueva versión internacional|nueva traducción viviente|dios habla hoy
|biblia de las américas|lenguaje actual|biblia de jerusalén
|almeida|nova versão internacional|nova versão transformadora|linguagem de hoje
|синодальн\w+|новый русский перевод|современный русский перевод|российского библейского
|فان\s?دايك|فاندايك|كتاب الحياة|(?:العربية|الترجمة) المشتركة|العربية المبسطة|ترجمة
|هزار[هۀ] نو|مژده برای|ترجمه
|نظر ثانی|اردو جیو|کیتھولک|ریوائزڈ|ترجمہ
|개역개정|개역한글|새번역|공동번역|현대인의\s?성경|쉬운\s?성경|우리말\s?성경|바른\s?성경|가톨릭\s?성경
|和合本|新译本|新譯本|思高|现代中文|現代中文|当代译本|當代譯本|吕振中|呂振中|新汉语|新漢語|修订版|修訂版
"""
_EXAMPLES = {
    "en": "NIV", "de": "LUT", "fr": "LSG", "es": "RVR60", "pt": "ARA", "ru": "Синодальный перевод",
    "ar": "فان دايك", "fa": "هزارۀ نو", "ur": "ترجمہ نظر ثانی", "ko": "개역개정", "zh": "和合本",
}  # fmt: skip


def names_translation(text: str) -> bool:
    """Whether a text says of which translation it quotes."""
    short, long = _patterns()
    return short.search(text) is not None or long.search(text) is not None


def example_translation(language: str) -> str:
    """Return a translation that readers of a BCP 47 language know."""
    return _EXAMPLES.get(language.partition("-")[0].lower(), _EXAMPLES["en"])


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    short = "|".join(sorted(set(_SHORT.split()), key=len, reverse=True))
    long = _LONG.replace("\n", "").strip("|")
    abbreviation = re.compile(rf"(?<!\w)(?:{short})(?:\s?(?:19|20)\d\d)?(?!\w)")
    return abbreviation, re.compile(long, re.IGNORECASE)
