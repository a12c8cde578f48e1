"""German."""

from newsletter.bulletin.words.table import Dates, Words, a_set_of, any_of, keys, names, turning
from newsletter.bulletin.words.web import AT_AN_END, RESIDUE

_GOD = r"(?:gott|(?:de[mnrs]|unser(?:e[mnrs])?)\s+(?:herrn?|vater|himmlischen\s+vater)|jesus|christus|ihm|ihn)"

WORDS = Words(
    petition=any_of(
        r"\bbete(?:t|n)?\b",
        r"\bbitt(?:e|et|en)\s+(?:wir\s+|sie\s+)?" + _GOD + r"\b",
        r"\bbitten\s+(?:wir\s+|sie\s+)?(?:darum|dass|für)\b",
        r"^bittet\b|^bitten\s+(?:wir|sie)\b(?!\s+um\s+(?:spenden|anmeldung|rückmeldung))",
        r"^bitten\s+(?:wir\s+|sie\s+|ihn\s+)?um\b(?!\s+(?:spenden|anmeldung|rückmeldung|verständnis|entschuldigung))",
        r"^(?:möge|mögen|lass|schenke?|segne|bewahre|hilf|stärke)\b",
        r"^(?:herr|vater|gott|jesus),",
        r"^(?:bitte\s+)?(?:fürbitte|gebet)\s+(?:für|um)\b",
        r"\b(?:denkt|denken\s+sie|gedenkt)\b.{1,80}\b(?:im|in\s+euren|in\s+ihrem)\s+gebete?n?\b",
        r"\b(?:bitten|bitte)\s+(?:\w+\s+)?um\s+(?:(?:euer|ihr|dein)\s+)?gebet\b",
        r"\b(?:schließt|schließen\s+sie|nehmt|nehmen\s+sie)\b.{1,60}\bin\s+(?:eure?|ihre?|unsere?|das)\s+gebete?n?\b",
        r"\btrag(?:t|en)\b.{1,60}\b(?:im|ins)\s+gebet\b|\btretet\b.{1,60}\bein\b",
        r"\bfleht?\b.{0,20}\bzu\s+" + _GOD + r"\b",
    ),
    thanks=any_of(
        r"\bdank(?:e|t|en)?\s+(?:wir\s+|sie\s+|sei\s+)?" + _GOD + r"\b",
        r"^(?:bitte\s+)?dank(?:t|en\s+wir|en\s+sie)?\s+(?:für|dass|mit\s+uns)\b|^danke,?\s+(?:herr|gott|dass|für)",
        r"\bwir\s+(?:danken|sind\s+(?:\w+\s+)?dankbar)\b(?!\s+(?:euch|ihnen))",
        r"\b(?:gott|dem\s+herrn|ihm)\s+(?:sei\s+)?dank\b|\bgott\s+(?:zu\s+)?danken\b",
        r"\b(?:lob(?:e|t|en)?|preis(?:e|t|en)?|rühmt|ehre)\s+(?:wir\s+|sie\s+|sei\s+)?"
        + _GOD
        + r"\b",
        r"^(?:lobt|lobet|preist|preiset|freut\s+euch|freuen\s+(?:wir\s+uns|sie\s+sich))\b",
        r"^(?:lob\s+und\s+)?dank\s*:|^lob\s*:",
    ),
    turns=turning(
        r"und|aber|dann|auch|zugleich|außerdem|bitte",
        r"(?:betet|beten\s+(?:wir|sie)|bittet|bitten|dankt|danken\s+(?:wir|sie)|"
        r"lobt|lobet|preist)\b",
    ),
    prayer_heading=any_of(
        r"(?:unsere|eure|aktuelle|weitere|konkrete|persönliche|die)?\s*gebets(?:anliegen|punkte?|bitten|"
        r"themen|hinweise|impulse?|kalender|liste|brief|woche|aufrufe?|info(?:s|rmationen)?)"
        r"(?:\s+(?:für|der|im)\s+.{1,30})?",
        r"(?:zum\s+|für\s+das\s+|im\s+|fürs\s+|unser\s+)?gebet(?:e)?",
        r"anliegen(?:\s+(?:für\s+das|fürs|zum)\s+gebet)?|fürbitten?|(?:unsere\s+|eure\s+|die\s+)?bitten?|(?:unsere|eure|die)\s+fürbitten",
        r"(?:wofür|wie)\s+(?:ihr|sie|wir|du)\s+beten\s+(?:könnt|können|kannst)",
        r"(?:bitte\s+)?bete(?:t|n\s+sie|n\s+wir)?(?:\s+(?:mit\s+uns|mit|für|um|dass|bitte))?|wir\s+(?:beten(?:\s+für)?|bitten(?:\s+um)?)",
        r"lasst\s+uns\s+beten(?:\s+für)?",
        r"(?:bitte|bitten|fürbitte|fürbitten|gebet)\s*(?:und|&|\+|/)\s*(?:dank|lob)|"
        r"(?:dank|lob|danken)\s*(?:und|&|\+|/)\s*(?:bitte|bitten|fürbitte|gebet|gebetsanliegen)",
    ),
    thanks_heading=any_of(
        r"(?:zum\s+|lob\s+und\s+|unser\s+)?dank(?:e|sagung|gebet|anliegen|punkte)?|lob(?:\s*(?:und|&)\s*dank|preis)?",
        r"(?:bitte\s+)?(?:dankt|danken\s+sie|wir\s+danken|lobt|wir\s+loben)(?:\s+(?:gott|dem\s+herrn))?(?:\s+(?:für|mit\s+uns))?",
        r"wofür\s+(?:wir|ihr|sie)\s+(?:danken|dankbar\s+sind)|gründe\s+zum\s+danken|gebetserhörungen|erhörte\s+gebete",
    ),
    other_heading=any_of(
        r"(?:wichtige\s+|nächste\s+|kommende\s+|unsere\s+)?(?:termine|veranstaltungen|daten)|terminkalender|kalender|vorschau|ausblick",
        r"(?:aktuelle\s+|weitere\s+|kurze?\s+)?(?:neuigkeiten|nachrichten|neues|meldungen|kurzmeldungen|kurznachrichten)(?:\s+aus\s+.{1,30})?|aktuelles",
        r"(?:zahlen(?:\s+und|\s*&)?\s*fakten|fakten|hintergrund|hintergründe|steckbrief|statistik|inhalt|"
        r"inhaltsverzeichnis|kontakt(?:e|daten)?|spenden(?:konto)?|hinweise|mitteilungen|bekanntmachungen|links|impressum)",
    ),
    topic_heading=any_of(
        r"(?:bitte\s+)?(?:bete[tn]?|beten\s+(?:wir|sie)|gebet|fürbitte|dank(?:t|en\s+wir|en\s+sie)?|wir\s+(?:beten|danken))\s+(?:für|um|dass)\b"
    ),
    dates=Dates(
        weekdays=names(
            "Montag Mo Mon, Dienstag Di Die, Mittwoch Mi Mit, Donnerstag Do Don, Freitag Fr Fre, "
            "Samstag Sonnabend Sa Sam, Sonntag So Son"
        ),
        months=names(
            "Januar Jänner Jan Jän, Februar Feber Feb, März Maerz Mär Mrz, April Apr, Mai, Juni Jun, "
            "Juli Jul, August Aug, September Sep Sept, Oktober Okt, November Nov, Dezember Dez"
        ),
        day=r"Tag\s+\d{1,2}|\d{1,2}\.\s?Tag",
        ordinal=r"\.",
        since=r"vom|von|am",
        to=r"bis(?:\s+zum)?|und",
        on=r"am|der|den",
        numeric="d.m",
    ),
    abbreviations=a_set_of(
        "hr fr dr prof pfr pf st nr abs bzw ca d.h u.a z.b usw etc evtl ggf inkl vgl bspw ev kath "
        "jh tel str kap mt mk lk joh röm kor gal eph phil kol thess tim hebr jak petr offb ps spr jes jer "
        "mo di mi do sa so jan feb apr aug sept okt nov dez geb verh sr br"
    ),
    unfinished=a_set_of("und oder aber der die das den dem ein eine mit von weil dass für"),
    salutation=any_of(
        r"(?:ihr\s+|meine\s+)?(?:liebe[rs]?|geliebte|sehr\s+geehrte[rs]?|hallo(?!\s+aus\b)|guten\s+tag|grüß\s+gott)\b.{0,60}[,:!]",
    ),
    keys=keys(
        "datum woche zeitraum, sprache, zusammenfassung kurztext vorschau, "
        "vertraulichkeit sichtbarkeit, land länder region, bild foto"
    ),
    residue=(
        *RESIDUE,
        any_of(
            r"(?:falls|wenn|sollten?)\s+.{0,30}(?:e-?mail|nachricht|newsletter)\s.{0,30}nicht\s+(?:richtig|korrekt)?\s*(?:angezeigt|dargestellt|lesen).*",
            r"(?:diese[nr]?\s+|den\s+)?(?:e-?mail|newsletter|nachricht|rundbrief)?\s*(?:im|in\s+ihrem|in\s+deinem)\s+(?:web)?browser\s+(?:anzeigen|ansehen|öffnen|lesen|betrachten)",
            r"(?:diese\s+(?:nachricht|meldung|seite)|dieses\s+fenster|das\s+fenster)\b.{0,40}\b\d+\s*(?:s|sek\.?|sekunden|minuten)\b.{0,40}",
            r"(?:hier\s+klicken|klicken\s+sie\s+hier|klick(?:e|t)?\s+hier)(?:,?\s+um\s+.{1,50})?",
            r"(?:zum\s+inhalt|zur\s+navigation)(?:\s+springen)?|nach\s+oben|zum\s+seitenanfang|zurück\s+(?:nach\s+oben|zur\s+übersicht|zur\s+startseite)",
            r"(?:weiterlesen|mehr\s+(?:lesen|erfahren|anzeigen)|jetzt\s+lesen|alle\s+anzeigen)",
            r"(?:diese[nr]?\s+)?(?:seite|artikel|beitrag)\s+(?:teilen|drucken|weiterempfehlen|merken)|teilen\s+(?:auf|mit|via)\s+.{1,30}|(?:folge|folgen\s+sie)\s+uns\s+auf\s+.{1,30}",
            r"(?:kommentar\s+(?:schreiben|hinterlassen)|\d+\s+kommentare?|keine\s+kommentare|ähnliche\s+(?:artikel|beiträge))",
            r"(?:vorheriger|nächster|voriger)\s+(?:artikel|beitrag)|(?:vorherige|nächste)\s+seite|seite\s+\d+\s+von\s+\d+",
            r"(?:wir\s+verwenden|diese\s+(?:web)?seite\s+(?:verwendet|nutzt))\s+cookies.*|(?:alle\s+)?cookies\s+(?:akzeptieren|ablehnen)",
            r"(?:newsletter\s+)?(?:abbestellen|abmelden|austragen)(?:\s+hier)?|vom\s+newsletter\s+abmelden|einstellungen\s+(?:ändern|verwalten)",
            r"(?:von\s+meinem\s+\S+(?:\s\S+)?\s+gesendet|gesendet\s+(?:von|mit)\s+.{1,40})|alle\s+rechte\s+vorbehalten|anzeige|werbung|wird\s+geladen",
        ),
    ),
    residue_at_an_end=(
        *AT_AN_END,
        any_of(
            r"(?:teilen|drucken|menü|suche|anmelden|einloggen|startseite|start|antworten|weiterleiten|schließen|impressum|datenschutz|kommentare?)(?:\s*[|/·>»]\s*[\w-]+)*",
        ),
    ),
)
