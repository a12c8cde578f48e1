"""References as Spanish writes them: "1 Corintios 13:4-7", "Mt 25, 40"."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: Génesis, Gén, Gn
Exod: Éxodo, Éx, Éxo
Lev: Levítico, Lev, Lv
Num: Números??, Núm, Nm
Deut: Deuteronomio, Deut, Dt
Josh: Josué?, Jos
Judg: Jueces?, Jue
Ruth: Rut?, Rt
1Sam: 1 Samuel, 1 Sam, 1 S
2Sam: 2 Samuel, 2 Sam, 2 S
1Kgs: 1 Reyes, 1 Re, 1 R
2Kgs: 2 Reyes, 2 Re, 2 R
1Chr: 1 Crónicas, 1 Crón, 1 Cr, 1 Cro
2Chr: 2 Crónicas, 2 Crón, 2 Cr, 2 Cro
Ezra: Esdras, Esd
Neh: Nehemías, Neh
Esth: Ester?, Est?
Job: Job?, Jb
Ps: Salmo, salmo, Salmos, salmos, Sal?, Slm, Ps
Prov: Proverbios, Prov, Pr, Prv
Eccl: Eclesiastés, Ecl, Qohélet, Qo, Ec, Ecle
Song: Cantares, Cantar de los Cantares, Cantar?, Cant, Cnt, Ct
Isa: Isaías, Isa, Is
Jer: Jeremías, Jer, Jr
Lam: Lamentaciones, Lam, Lm
Ezek: Ezequiel, Ezeq, Ez
Dan: Daniel?, Dan?, Dn
Hos: Oseas, Os
Joel: Joel?, Jl
Amos: Amós?, Am
Obad: Abdías, Abd
Jonah: Jonás?, Jon
Mic: Miqueas, Miq, Mi?
Nah: Nahúm, Nah, Na
Hab: Habacuc, Hab
Zeph: Sofonías, Sof
Hag: Hageo, Ageo, Hag, Ag
Zech: Zacarías, Zac, Za
Mal: Malaquías, Mal?, Ml
Matt: Mateo?, Mat, Mt
Mark: Marcos?, Mar?, Mc, Mr
Luke: Lucas?, Luc, Lc
John: Juan?, Jn
Acts: Hechos?, Hechos de los Apóstoles, Hch, Hech, Hec
Rom: Romanos, Rom, Ro, Rm
1Cor: 1 Corintios, 1 Cor, 1 Co
2Cor: 2 Corintios, 2 Cor, 2 Co
Gal: Gálatas, Gál, Gá
Eph: Efesios, Ef, Efe
Phil: Filipenses, Fil, Flp
Col: Colosenses, Col?
1Thess: 1 Tesalonicenses, 1 Tes, 1 Ts
2Thess: 2 Tesalonicenses, 2 Tes, 2 Ts
1Tim: 1 Timoteo, 1 Tim, 1 Tm, 1 Ti
2Tim: 2 Timoteo, 2 Tim, 2 Tm, 2 Ti
Titus: Tito?, Tit, Tt
Phlm: Filemón, Flm, Filem
Heb: Hebreos, Heb, He?
Jas: Santiago?, Sant, Stg, St?
1Pet: 1 Pedro, 1 Ped, 1 Pe, 1 P
2Pet: 2 Pedro, 2 Ped, 2 Pe, 2 P
1John: 1 Juan, 1 Jn
2John: 2 Juan, 2 Jn
3John: 3 Juan, 3 Jn
Jude: Judas?, Jud
Rev: Apocalipsis, Apoc, Ap
""",
    marks=":.,",
    usual=":.,",
    chapter="capítulos?|capitulos?|caps?",
    verse="versículos?|versiculos?|vers|vv?",
    to="al?|hasta",
    also="y|e",
    onward="ss?|ff?",
    ordinals=(
        "I 1º 1ª 1er Primera Primero Primer",
        "II 2º 2ª Segunda Segundo",
        "III 3º 3ª Tercera Tercero Tercer",
    ),
    follows="a con cuando de del dice el en enseña es está la las lo los muestra nos o para pero "
    "por porque que se son su un una y",
    quantity=r"litros|kilos|metros|meses|semanas|días|minutos|personas|niños|familias|"
    r"horas?|h|millones|mil|por\s?ciento|grados|años|km|kg|euros?|veces|a\.m|p\.m|am|pm|"
    r"de\s(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)",
)
