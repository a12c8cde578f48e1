"""References as German writes them: "1. Korinther 13,4-7"."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: 1. Mose, 1 Mos, 1 Mo, Genesis, Gen, Gn
Exod: 2. Mose, 2 Mos, 2 Mo, Exodus, Ex
Lev: 3. Mose, 3 Mos, 3 Mo, Levitikus, Leviticus, Lev, Lv
Num: 4. Mose, 4 Mos, 4 Mo, Numeri, Num
Deut: 5. Mose, 5 Mos, 5 Mo, Deuteronomium, Dtn, Dt
Josh: Josua?, Jos
Judg: Richter?, Ri?
Ruth: Rut?, Ruth?
1Sam: 1. Samuel, 1 Sam
2Sam: 2. Samuel, 2 Sam
1Kgs: 1. Könige, 1 Kön, 1 Kö, 1 Koenige
2Kgs: 2. Könige, 2 Kön, 2 Kö, 2 Koenige
1Chr: 1. Chronik, 1 Chr, 1 Chron
2Chr: 2. Chronik, 2 Chr, 2 Chron
Ezra: Esra?, Esr
Neh: Nehemia?, Neh
Esth: Ester?, Esther?, Est
Job: Hiob?, Ijob, Hi?, Job?
Ps: Psalm, Psalmen, Ps
Prov: Sprüche?, Sprichwörter?, Spr, Sprueche?
Eccl: Prediger?, Kohelet, Koh, Pred
Song: Hoheslied, Hohelied, Hohes Lied, Hohelieds, Hld, Hoh
Isa: Jesaja, Jes
Jer: Jeremia, Jer
Lam: Klagelieder, Klgl, Kla
Ezek: Hesekiel, Hes, Ezechiel, Ez
Dan: Daniel?, Dan?
Hos: Hosea, Hos
Joel: Joel?, Joël?
Amos: Amos?, Am?
Obad: Obadja, Obd, Ob?
Jonah: Jona?, Jon
Mic: Micha?, Mi?
Nah: Nahum, Nah?
Hab: Habakuk, Hab?
Zeph: Zefanja, Zephanja, Zef, Zeph
Hag: Haggai, Hag
Zech: Sacharja, Sach
Mal: Maleachi, Mal?
Matt: Matthäus, Mt, Matth, Mat, Matthaeus, Mattäus, Matthäusevangelium
Mark: Markus?, Mk, Mark?, Markusevangelium
Luke: Lukas?, Lk, Luk, Lukasevangelium
John: Johannes?, Joh, Johannesevangelium
Acts: Apostelgeschichte, Apg
Rom: Römer?, Röm, Römerbrief, Roemer?
1Cor: 1. Korinther, 1 Kor, 1 Korintherbrief
2Cor: 2. Korinther, 2 Kor, 2 Korintherbrief
Gal: Galater, Gal, Galaterbrief
Eph: Epheser, Eph, Epheserbrief
Phil: Philipper, Phil, Philipperbrief
Col: Kolosser, Kol, Kolosserbrief
1Thess: 1. Thessalonicher, 1 Thess, 1 Thes
2Thess: 2. Thessalonicher, 2 Thess, 2 Thes
1Tim: 1. Timotheus, 1 Tim
2Tim: 2. Timotheus, 2 Tim
Titus: Titus?, Tit
Phlm: Philemon, Phlm, Phm
Heb: Hebräer, Hebr, Heb, Hebräerbrief
Jas: Jakobus, Jak, Jakobusbrief
1Pet: 1. Petrus, 1 Petr, 1 Pet, 1 Pt
2Pet: 2. Petrus, 2 Petr, 2 Pet, 2 Pt
1John: 1. Johannes, 1 Joh
2John: 2. Johannes, 2 Joh
3John: 3. Johannes, 3 Joh
Jude: Judas?, Jud
Rev: Offenbarung, Offb, Offg, Off, Apokalypse, Offenb
""",
    between=",",
    marks=",:.",
    usual=",:",
    chapter="Kapitel|Kap",
    verse="Verse[ns]?|Vers|Vv?|vv?",
    to="bis",
    also="und|sowie",
    onward="ff?",
    ordinals=(
        "I Erster? Erste Ersten",
        "II Zweiter? Zweite Zweiten",
        "III Dritter? Dritte Dritten",
    ),
    follows="aber als auch auf beginnt das dass der die ein er es haben heißt ist lehrt lesen "
    "oder sagt schreibt sehen spricht steht und von was wer wie wir wird zeigt zu",
    quantity=r"Uhr|Liter|Kilo|Meter|Tonnen|Jahren?|Monaten?|Wochen?|Tagen?|Minuten|[Mm]al|Menschen|Leute|Personen|Kindern?|"
    r"Familien|Mio|Millionen?|Milliarden?|Tausend|Prozent|Grad|Stunden?|km|kg|Euro|"
    r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-zä]*",
)
