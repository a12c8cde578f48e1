"""References as French writes them: "1 Corinthiens 13:4-7", "Mt 25.40", "Mt 25, 40"."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: Genèse, Gen, Gn, Ge
Exod: Exode, Ex, Exo
Lev: Lévitique, Lév, Lv
Num: Nombres??, Nomb, Nb
Deut: Deutéronome, Deut, Dt
Josh: Josué?, Jos
Judg: Juges?, Jug, Jg
Ruth: Ruth?, Rt, Ru?
1Sam: 1 Samuel, 1 Sam, 1 S
2Sam: 2 Samuel, 2 Sam, 2 S
1Kgs: 1 Rois, 1 R
2Kgs: 2 Rois, 2 R
1Chr: 1 Chroniques, 1 Chron, 1 Chr, 1 Ch
2Chr: 2 Chroniques, 2 Chron, 2 Chr, 2 Ch
Ezra: Esdras, Esd
Neh: Néhémie, Néh, Ne?
Esth: Esther?, Est?
Job: Job?, Jb
Ps: Psaume, psaume, Psaumes, psaumes, Ps
Prov: Proverbes, Prov, Pr, Pv
Eccl: Ecclésiaste, Eccl, Ecc, Qohélet, Qohéleth, Qo, Ec
Song: Cantique des Cantiques, Cantique?, Cant, Ct
Isa: Ésaïe, Isaïe, És, Is?, Ésa
Jer: Jérémie, Jér, Jr
Lam: Lamentations, Lam, Lm
Ezek: Ézéchiel, Ézéch, Éz
Dan: Daniel?, Dan?, Dn, Da?
Hos: Osée, Os?
Joel: Joël?, Jl
Amos: Amos?, Am
Obad: Abdias, Abd, Ab
Jonah: Jonas?, Jon
Mic: Michée, Mich, Mi?
Nah: Nahum, Nahoum, Nah, Na
Hab: Habacuc, Habaquq, Hab, Ha?
Zeph: Sophonie, Soph, So?
Hag: Aggée, Agg, Ag
Zech: Zacharie, Zach, Za
Mal: Malachie, Mal?, Ml
Matt: Matthieu?, Matt, Mt, Mat
Mark: Marc?, Mc
Luke: Luc?, Lc
John: Jean?, Jn
Acts: Actes?, Actes des Apôtres, Act, Ac
Rom: Romains, Rom, Rm, Ro
1Cor: 1 Corinthiens, 1 Cor, 1 Co
2Cor: 2 Corinthiens, 2 Cor, 2 Co
Gal: Galates, Gal, Ga
Eph: Éphésiens, Éph, Ép
Phil: Philippiens, Phil, Php, Ph, Philip
Col: Colossiens, Col?
1Thess: 1 Thessaloniciens, 1 Thess, 1 Thes, 1 Th
2Thess: 2 Thessaloniciens, 2 Thess, 2 Thes, 2 Th
1Tim: 1 Timothée, 1 Tim, 1 Tm, 1 Ti
2Tim: 2 Timothée, 2 Tim, 2 Tm, 2 Ti
Titus: Tite?, Tt
Phlm: Philémon, Philém, Phm
Heb: Hébreux, Hébr, Hé
Jas: Jacques?, Jacq, Jc, Jq, Jac, Ja?
1Pet: 1 Pierre, 1 Pi, 1 P, 1 Pet
2Pet: 2 Pierre, 2 Pi, 2 P, 2 Pet
1John: 1 Jean, 1 Jn
2John: 2 Jean, 2 Jn
3John: 3 Jean, 3 Jn
Jude: Jude?, Jd
Rev: Apocalypse, Apoc, Ap
""",
    marks=":.,",
    usual=":.,",
    chapter="chapitres?|chap|ch",
    verse="versets?|vv?|vers",
    to="à|jusqu'à|au",
    also="et",
    onward="ss?|ff?",
    ordinals=(
        "I 1er 1ère 1re Premier Première",
        "II 2e 2ème 2nd 2nde Deuxième Second Seconde",
        "III 3e 3ème Troisième",
    ),
    follows="a avec car ce commence dans de des dit du elle en est et il la le les mais montre "
    "nous ou où par parle pour que qui rappelle sont sur un une vous",
    quantity=r"litres|kilos|mètres|tonnes|années|mois|semaines|jours|minutes|personnes|enfants|familles|"
    r"heures?|h|millions?|milliards?|mille|pour\s?cent|degrés|ans|km|kg|euros?|fois|"
    r"(?:janv|févr|mars|avril|mai|juin|juil|août|sept|oct|nov|déc)[a-zé]*",
)
