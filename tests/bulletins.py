"""Bulletins as a reader would hand them on, invented, in three scripts."""

from newsletter.bulletin import (
    Bulletin,
    Heading,
    ItemList,
    Paragraph,
    PointKind,
    PrayerPoint,
    Quotation,
    Scripture,
)
from newsletter.rendering import Look

LOOK = Look(
    organisation="Prayer & Mercy Network",
    postal_address="1 Example Street, London",
    list_title="Weekly Prayer",
    website="https://prayer.example.org",
    sender_name="Prayer Network",
)

ENGLISH = Bulletin(
    title="Harvest in the hills.",
    language="en",
    direction="ltr",
    summary="Three families met this week for the first time since spring.",
    blocks=(
        Paragraph("Three families met this week for the first time since spring.", 3),
        Paragraph('They read from <Luke> & sang "softly"; it\'s a long road.', 5),
        Quotation(("“We were afraid at first,” said a mother.", "“Now we are not alone.”"), 7),
        Heading("What comes next", 11),
        ItemList(("Sunday: morning meeting", "Wednesday: Bible study"), 12),
        Paragraph("Read on at https://prayer.example.org/archive?year=2026&no=4, it is short.", 14),
    ),
    points=(
        PrayerPoint(
            "Give thanks for the three families. They opened their doors.",
            "Give thanks for the three families.",
            PointKind.THANKSGIVING,
            16,
        ),
        PrayerPoint(
            "Pray for the road. Snow has come early.",
            "Pray for the road.",
            PointKind.PETITION,
            17,
            date="2026-12-04/2026-12-05",
        ),
    ),
    scriptures=(
        Scripture("Matthew 25:40", "Matt.25.40", True, 19, "You did it to me.", "WEB"),
        Scripture("Psalm 23", "Ps.23", True, 20),
    ),
    lines=(),
)

ARABIC = Bulletin(
    title="صلّوا من أجل الكنائس في الجبال",
    language="ar",
    direction="rtl",
    summary="اجتمعت ثلاث عائلات هذا الأسبوع.",
    blocks=(
        Paragraph("اجتمعت ثلاث عائلات هذا الأسبوع. الطريق طويل، لكنهم رتّلوا معًا حتى المساء.", 1),
        Quotation(("«كنّا خائفين في البداية.»",), 3),
    ),
    points=(
        PrayerPoint(
            "صلّوا من أجل الطريق.", "صلّوا من أجل الطريق.", PointKind.PETITION, 7, "2026-12-04"
        ),
    ),
    scriptures=(Scripture("مزمور 121: 7", "Ps.121.7", True, 9, "الرب يحفظك من كل شر."),),
    lines=(),
)

KOREAN = Bulletin(
    title="산골 교회를 위한 기도",
    language="ko",
    direction="ltr",
    summary="세 가정이 이번 주에 함께 모였습니다.",
    blocks=(
        Paragraph(
            "세 가정이 이번 주에 함께 모였습니다. 길은 멀고 눈은 깊었지만, 함께 찬송했습니다.", 1
        ),
    ),
    points=(
        PrayerPoint(
            "감사: 세 가정을 인해 감사드립니다.", "감사:", PointKind.THANKSGIVING, 6, None, "가정"
        ),
        PrayerPoint(
            "길을 지켜 주소서.", "길을 지켜 주소서.", PointKind.PETITION, 7, None, "여행자"
        ),
    ),
    scriptures=(Scripture("시편 121:7", "Ps.121.7", True, 9, "여호와께서 너를 지키시리로다"),),
    lines=(),
)

ALL = (ENGLISH, ARABIC, KOREAN)
