"""Invented subscribers with names in several scripts; no address of theirs can exist."""

import csv
import io

_NAMES = {
    "en": ("Miriam Hale", "Peter O’Brien", "Grace Ndlovu", "Tom Whitfield", "Ruth Okafor"),
    "de": ("Jürgen Groß", "Käthe Müller", "Anneliese Vöge", "Björn Weiß", "Lena Hübner"),
    "fr": ("Élodie Lefèvre", "Noël Garçon", "Solène d’Arcy", "Théo Béraud", "Inès Rouxel"),
    "es": ("María Núñez", "José Ibáñez", "Lucía Peña", "Íñigo Durán", "Belén Ocaña"),
    "ru": ("Анна Белова", "Игорь Соловьёв", "Вера Лукина", "Пётр Журавлёв", "Нина Зимина"),
    "ar": ("مريم حداد", "يوسف خوري", "سارة نصار", "إلياس منصور", "ليلى شاهين"),
    "fa": ("نرگس راد", "کیان پارسا", "شیرین مهر", "آرش نیک", "پریسا امید"),
    "ko": ("김은혜", "이소망", "박하늘", "최믿음", "정다운"),
    "zh": ("王恩慈", "李平安", "陈以琳", "林晓光", "赵信实"),
    "am": ("ሰላም ተስፋ", "ዮሐንስ በቀለ", "ማርታ አበበ", "ዳዊት ገብረ", "ሩት ኃይሉ"),
}
_ZONES = {
    "en": "Europe/London",
    "de": "Europe/Berlin",
    "fr": "Europe/Paris",
    "es": "America/Bogota",
    "ru": "Asia/Almaty",
    "ar": "Asia/Amman",
    "fa": "Europe/Stockholm",
    "ko": "Asia/Seoul",
    "zh": "Asia/Singapore",
    "am": "Africa/Addis_Ababa",
}


def sample_csv(count: int) -> bytes:
    """Return a CSV file of `count` invented subscribers; every tenth has no name."""
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(["email", "name", "language", "timezone"])
    languages = list(_NAMES)
    for number in range(1, count + 1):
        language = languages[number % len(languages)]
        names = _NAMES[language]
        name = "" if number % 10 == 7 else names[number // len(languages) % len(names)]
        writer.writerow([f"reader{number}@example.org", name, language, _ZONES[language]])
    return rows.getvalue().encode()
