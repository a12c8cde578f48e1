"""References as Portuguese writes them: "1 Coríntios 13:4-7", "Mt 25,40"."""

from newsletter.scripture.names.form import Names

NAMES = Names(
    books="""
Gen: Gênesis, Génesis, Gên, Gn
Exod: Êxodo, Êx
Lev: Levítico, Lev, Lv
Num: Números??, Núm, Nm
Deut: Deuteronômio, Deuteronómio, Deut, Dt
Josh: Josué?, Jos, Js
Judg: Juízes?, Jz
Ruth: Rute?, Rt
1Sam: 1 Samuel, 1 Sam, 1 Sm
2Sam: 2 Samuel, 2 Sam, 2 Sm
1Kgs: 1 Reis, 1 Rs
2Kgs: 2 Reis, 2 Rs
1Chr: 1 Crônicas, 1 Crónicas, 1 Cr
2Chr: 2 Crônicas, 2 Crónicas, 2 Cr
Ezra: Esdras, Esd, Ed?
Neh: Neemias, Ne, Neh
Esth: Ester?, Et, Est?
Job: Jó?, Jó
Ps: Salmo, salmo, Salmos, salmos, Sl, Sal?
Prov: Provérbios, Prov, Pv, Pr
Eccl: Eclesiastes, Ecl, Ec
Song: Cantares, Cântico dos Cânticos, Cânticos?, Cantares de Salomão, Ct
Isa: Isaías, Isa, Is
Jer: Jeremias, Jer, Jr
Lam: Lamentações, Lam, Lm
Ezek: Ezequiel, Ez
Dan: Daniel?, Dan?, Dn
Hos: Oseias, Oséias, Os?
Joel: Joel?, Jl
Amos: Amós?, Am
Obad: Obadias, Abdias, Ob
Jonah: Jonas?, Jn
Mic: Miqueias, Miquéias, Mq, Miq
Nah: Naum, Na?
Hab: Habacuque, Habacuc, Hc, Hab
Zeph: Sofonias, Sf, Sof
Hag: Ageu, Ag
Zech: Zacarias, Zc, Zac
Mal: Malaquias, Ml, Mal?
Matt: Mateus?, Mat, Mt
Mark: Marcos?, Mc
Luke: Lucas?, Lc
John: João?, Jo
Acts: Atos?, Actos?, Atos dos Apóstolos, Actos dos Apóstolos, At
Rom: Romanos, Rom, Rm
1Cor: 1 Coríntios, 1 Cor, 1 Co
2Cor: 2 Coríntios, 2 Cor, 2 Co
Gal: Gálatas, Gál, Gl
Eph: Efésios, Ef
Phil: Filipenses, Fil, Fp
Col: Colossenses, Col?, Cl
1Thess: 1 Tessalonicenses, 1 Tess, 1 Ts
2Thess: 2 Tessalonicenses, 2 Tess, 2 Ts
1Tim: 1 Timóteo, 1 Tim, 1 Tm
2Tim: 2 Timóteo, 2 Tim, 2 Tm
Titus: Tito?, Tt
Phlm: Filemom, Filémon, Filêmon, Fm, Filem
Heb: Hebreus, Heb, Hb
Jas: Tiago?, Tg, Tia?
1Pet: 1 Pedro, 1 Ped, 1 Pe
2Pet: 2 Pedro, 2 Ped, 2 Pe
1John: 1 João, 1 Jo
2John: 2 João, 2 Jo
3John: 3 João, 3 Jo
Jude: Judas?, Jd
Rev: Apocalipse, Apoc, Ap
""",
    marks=":.,",
    usual=":.,",
    chapter="capítulos?|capitulos?|caps?",
    verse="versículos?|versiculos?|vers|vv?",
    to="ao?|até",
    also="e",
    onward="ss?|ff?",
    ordinals=(
        "I 1º 1ª Primeira Primeiro",
        "II 2º 2ª Segunda Segundo",
        "III 3º 3ª Terceira Terceiro",
    ),
    follows="a ao as com começa da de diz do e em ensina está é mas mostra na no nos o os ou para "
    "por porque que são se sobre um uma",
    quantity=r"litros|quilos|metros|meses|semanas|dias|minutos|pessoas|crianças|famílias|"
    r"horas?|h|milhões|mil|por\s?cento|graus|anos|km|kg|reais|euros?|vezes|"
    r"de\s(?:janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)",
)
