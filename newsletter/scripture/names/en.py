"""References as English writes them."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: Genesis, Gen, Gn, Ge
Exod: Exodus, Exod, Exo, Ex
Lev: Leviticus, Lev, Lv
Num: Numbers??, Num, Nm, Nu, Nb
Deut: Deuteronomy, Deut, Dt, Deu
Josh: Joshua?, Josh?, Jos
Judg: Judges?, Judg, Jdg, Jdgs, Jg
Ruth: Ruth?, Rth, Rut
1Sam: 1 Samuel, 1 Sam, 1 Sm, 1 Sa
2Sam: 2 Samuel, 2 Sam, 2 Sm, 2 Sa
1Kgs: 1 Kings, 1 Kgs, 1 Ki, 1 Kin
2Kgs: 2 Kings, 2 Kgs, 2 Ki, 2 Kin
1Chr: 1 Chronicles, 1 Chron, 1 Chr, 1 Ch
2Chr: 2 Chronicles, 2 Chron, 2 Chr, 2 Ch
Ezra: Ezra?, Ezr
Neh: Nehemiah, Neh
Esth: Esther?, Esth, Est
Job: Job?
Ps: Psalm, psalm, Psalms, psalms, Pss, Psa, Ps, Pslm, Psm
Prov: Proverbs, Prov, Prv, Pr, Pro?
Eccl: Ecclesiastes, Eccles, Eccl, Ecc, Qoheleth, Ec?, Qoh
Song: Song of Songs, Song of Solomon, Canticles, Canticle of Canticles, Cant, SoS, Song?, Sg, Sng
Isa: Isaiah, Isa, Is?
Jer: Jeremiah, Jer, Jr
Lam: Lamentations, Lam
Ezek: Ezekiel, Ezek, Ezk, Eze
Dan: Daniel?, Dan?, Dn
Hos: Hosea, Hos
Joel: Joel?, Jl
Amos: Amos?, Am?
Obad: Obadiah, Obad, Ob, Oba
Jonah: Jonah, Jon?, Jnh
Mic: Micah?, Mic, Mi?
Nah: Nahum, Nah?, Na?
Hab: Habakkuk, Hab, Habakuk, Hb
Zeph: Zephaniah, Zeph, Zep, Zp
Hag: Haggai, Hag, Hg
Zech: Zechariah, Zech, Zec, Zc
Mal: Malachi, Mal
Matt: Matthew?, Matt?, Mt, Mat?
Mark: Mark?, Mk, Mrk
Luke: Luke?, Lk, Luk
John: John?, Jn, Jhn
Acts: Acts?, Acts of the Apostles, Ac
Rom: Romans, Rom, Rm, Ro?
1Cor: 1 Corinthians, 1 Cor, 1 Co, 1 Corinthian
2Cor: 2 Corinthians, 2 Cor, 2 Co, 2 Corinthian
Gal: Galatians, Gal, Ga?
Eph: Ephesians, Ephes, Eph
Phil: Philippians, Phil?, Php, Phlp, Phillipians, Philipians, Phillippians
Col: Colossians, Col?
1Thess: 1 Thessalonians, 1 Thess, 1 Thes, 1 Th
2Thess: 2 Thessalonians, 2 Thess, 2 Thes, 2 Th
1Tim: 1 Timothy, 1 Tim, 1 Tm, 1 Ti
2Tim: 2 Timothy, 2 Tim, 2 Tm, 2 Ti
Titus: Titus?, Tit, Ti?
Phlm: Philemon, Philem, Phlm, Phm, Phile
Heb: Hebrews, Heb
Jas: James?, Jas, Jms, Jm
1Pet: 1 Peter, 1 Pet, 1 Pt, 1 Pe, 1 Ptr
2Pet: 2 Peter, 2 Pet, 2 Pt, 2 Pe, 2 Ptr
1John: 1 John, 1 Jn, 1 Jhn, 1 Jo
2John: 2 John, 2 Jn, 2 Jhn, 2 Jo
3John: 3 John, 3 Jn, 3 Jhn, 3 Jo
Jude: Jude?, Jud
Rev: Revelation, Revelations, Apocalypse, Rev?, Rv, Apoc
""",
    chapter=r"chapters?|chap|ch",
    verse=r"verses?|vss?|vv?|vers",
    to="to|through|thru|until",
    also="and|&",
    onward="ff?",
    ordinals=("I 1st First", "II 2nd Second", "III 3rd Third"),
    follows="and are as assures at because begins but by calls commands continues describes "
    "encourages ends for from gives has have he how in is it of on or our promises reminds said "
    "says shows speaks states talks teaches tells that the these they this to urges "
    "was we were when where which while who will with you",
    quantity=r"million|billion|thousand|hundred|percent|per|degrees|hours|miles|km|kg|am|pm|a\.m|p\.m"
    "|years?|months?|weeks?|days?|minutes|mins?|people|persons|times|copies|children|families|lit(?:re|er)s|met(?:re|er)s|kilos|tons",
)
