"""Letters that mean the same: what people type is brought to one form before it is compared."""

import re
import unicodedata

# What stands between letters and is often left out: Arabic vowel signs, the stretching sign,
# the joiners of Farsi.
_LEFT_OUT = re.compile("[\u064b-\u065f\u0670\u0640\u200c\u200d]")

_TRADITIONAL = (
    "為为禱祷謝谢讚赞懇恳請请願愿繼继續续會会聖圣靈灵穌稣項项點点題题週周禮礼號号體体開开關关"
    "閉闭閱阅讀读郵邮頁页頂顶轉转發发訂订閲阅瀏浏覽览無无顯显載载註注評评論论鏈链滾滚動动學学"
    "報报時时間间與与眾众頌颂讓让們们個个國国對对這这裡里處处們们樣样從从後后來来過过還还應应"
    "當当實实現现護护賜赐醫医療疗傳传導导經经濟济見见證证預预備备歸归榮荣耀耀祂他據据擊击廣广"
    "並并權权資资訊讯簡简嗎吗視视親亲愛爱麼么辦办選选單单價价縣县啟启語语摘摘級级"
)
_SAME = str.maketrans(
    dict.fromkeys("أإآٱ", "ا")
    | dict.fromkeys("يى", "ی")
    | dict.fromkeys("ةۃہۀەه", "ه")
    | {"ك": "ک", "ؤ": "و", "ё": "е", "Ё": "Е", "’": "'", "ʼ": "'", "：": ":", "，": ",", "；": ";"}
    | dict(zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True))
)


def same_letters(text: str) -> str:
    """Return `text` with one letter for all that are typed for it; places stay as they are."""
    return text if text.isascii() else text.translate(_SAME)


def folded(text: str) -> str:
    """Return `text` in the form that the patterns of `Words` are made for; it may be shorter.

    Arabic without vowel signs, hamza seats and joiners, Chinese in simplified characters.
    """
    if text.isascii():
        return text
    return _LEFT_OUT.sub("", unicodedata.normalize("NFC", text)).translate(_SAME)
