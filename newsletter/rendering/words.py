"""The words that are the same in every bulletin, in the reader's language."""

from dataclasses import dataclass
from functools import lru_cache

_LATIN = "-apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
_LATIN_HEADING = "Georgia, Times New Roman, serif"
_ARABIC = "Geeza Pro, Noto Naskh Arabic, Segoe UI, Tahoma, Arial, sans-serif"
_KOREAN = "Apple SD Gothic Neo, Malgun Gothic, Noto Sans KR, Noto Sans CJK KR, sans-serif"
_CHINESE = "PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"


@dataclass(frozen=True)
class Words:
    """Fixed words of one language, and the fonts and line height its script asks for."""

    greeting: str  # holds {name}
    greeting_all: str  # without a name; in English never "Dear friend": filters punish it
    pray: str
    thanksgiving: str
    photo: str
    because: str  # holds {list}
    unsubscribe: str
    preferences: str
    fonts: str = _LATIN
    heading_fonts: str = _LATIN_HEADING
    leading: int = 27  # pixels, for body text of 17


_ENGLISH = Words(
    greeting="Dear {name},",
    greeting_all="Dear friends,",
    pray="Pray",
    thanksgiving="Thanksgiving",
    photo="Photo",
    because="You receive this because you subscribed to {list}.",
    unsubscribe="Unsubscribe",
    preferences="Preferences",
)

_WORDS = {
    "en": _ENGLISH,
    "de": Words(
        greeting="Guten Tag {name},",
        greeting_all="Liebe Freunde,",
        pray="Beten wir",
        thanksgiving="Dank",
        photo="Foto",
        because="Sie erhalten diese E-Mail, weil Sie {list} abonniert haben.",
        unsubscribe="Abmelden",
        preferences="Einstellungen",
    ),
    "fr": Words(
        greeting="Bonjour {name},",
        greeting_all="Chers amis,",
        pray="Prions",
        thanksgiving="Action de grâce",
        photo="Photo",
        because="Vous recevez ce message à la suite de votre inscription à {list}.",
        unsubscribe="Se désabonner",
        preferences="Préférences",
    ),
    "es": Words(
        greeting="Hola, {name}:",
        greeting_all="Queridos amigos:",
        pray="Oremos",
        thanksgiving="Acción de gracias",
        photo="Foto",
        because="Recibe este mensaje porque se suscribió a {list}.",
        unsubscribe="Darse de baja",
        preferences="Preferencias",
    ),
    "pt": Words(
        greeting="Olá, {name}!",
        greeting_all="Queridos amigos,",
        pray="Oremos",
        thanksgiving="Ação de graças",
        photo="Foto",
        because="Você recebe esta mensagem porque se inscreveu em {list}.",
        unsubscribe="Cancelar inscrição",
        preferences="Preferências",
    ),
    "ru": Words(
        greeting="Здравствуйте, {name}!",
        greeting_all="Дорогие друзья!",
        pray="Помолимся",
        thanksgiving="Благодарение",
        photo="Фото",
        because="Вы получили это письмо, потому что подписались на рассылку {list}.",
        unsubscribe="Отписаться",
        preferences="Настройки",
    ),
    "ar": Words(
        greeting="مرحبًا {name}،",
        greeting_all="أصدقاءنا الأعزاء،",
        pray="لنصلِّ",
        thanksgiving="شكر",
        photo="صورة",
        because="تصلك هذه الرسالة لأنك اشتركت في {list}.",
        unsubscribe="إلغاء الاشتراك",
        preferences="التفضيلات",
        fonts=_ARABIC,
        heading_fonts=_ARABIC,
        leading=30,
    ),
    "fa": Words(
        greeting="سلام {name}،",
        greeting_all="دوستان عزیز،",
        pray="دعا کنیم",
        thanksgiving="شکرگزاری",
        photo="عکس",
        because="این پیام را دریافت می‌کنید چون مشترک {list} هستید.",
        unsubscribe="لغو اشتراک",
        preferences="تنظیمات",
        fonts=_ARABIC,
        heading_fonts=_ARABIC,
        leading=30,
    ),
    "ur": Words(
        greeting="سلام {name}،",
        greeting_all="عزیز دوستو،",
        pray="آئیں دعا کریں",
        thanksgiving="شکرگزاری",
        photo="تصویر",
        because="آپ کو یہ پیغام اس لیے ملا ہے کہ آپ {list} کے رکن ہیں۔",
        unsubscribe="رکنیت ختم کریں",
        preferences="ترجیحات",
        fonts=_ARABIC,
        heading_fonts=_ARABIC,
        leading=32,
    ),
    "ko": Words(
        greeting="{name} 님께",
        greeting_all="사랑하는 여러분께",
        pray="기도해 주세요",
        thanksgiving="감사",
        photo="사진",
        because="{list} 구독을 신청하셔서 이 메일을 보내 드립니다.",
        unsubscribe="구독 해지",
        preferences="수신 설정",
        fonts=_KOREAN,
        heading_fonts=_KOREAN,
        leading=29,
    ),
    "zh": Words(
        greeting="{name}，您好：",
        greeting_all="亲爱的朋友们：",
        pray="请祷告",
        thanksgiving="感恩",
        photo="照片",
        because="您因订阅了 {list} 而收到这封邮件。",
        unsubscribe="退订",
        preferences="偏好设置",
        fonts=_CHINESE,
        heading_fonts=_CHINESE,
        leading=29,
    ),
}


@lru_cache(64)
def words_of(language: str) -> Words:
    """Return the words for a BCP 47 tag: its base language's, else English."""
    return _WORDS.get(base_language(language), _ENGLISH)


def base_language(language: str) -> str:
    """Return the first subtag in lower case: `pt` of `pt-BR`."""
    return language.replace("_", "-").partition("-")[0].lower()
