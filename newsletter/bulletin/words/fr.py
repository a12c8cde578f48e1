"""French."""

from newsletter.bulletin.words.table import Dates, Words, a_set_of, any_of, keys, names, turning
from newsletter.bulletin.words.web import AT_AN_END, RESIDUE

_GOD = r"(?:dieu|(?:le|au|du|notre)\s+(?:seigneur|père)|l'[eé]ternel|[aà]\s+l'[eé]ternel|j[eé]sus|christ|lui)"

WORDS = Words(
    petition=any_of(
        r"(?<!vous\s)\b(?:prions|priez)\b(?!\s+(?:de\b|d'))",
        r"^prie\b|\bprier\s+(?:pour|que|afin|avec)\b",
        r"\b(?:demandons|demandez|demander|demande)\s+(?:à\s+)?" + _GOD + r"(?!\w)",
        r"^(?:demandons|demandez)\b|\blui\s+demand(?:ons|ez)\b",
        r"\b(?:supplions|suppliez|implorons|implorez|invoquons|invoquez)\b",
        r"\b(?:interc[eé]dons|interc[eé]dez)\b|^interc[eéè]de\b",
        r"^(?:que|puisse)\s+(?:dieu|le\s+seigneur|notre\s+seigneur|l'[eé]ternel|j[eé]sus|sa\s|son\s)",
        r"^(?:seigneur|p[eè]re|dieu|j[eé]sus),",
        r"^(?:prière|intercession)\s+(?:pour|afin)\b",
        r"\b(?:portons|portez|gardez|souvenez-vous)\b.{1,80}\b(?:dans|en)\s+(?:la\s+|vos\s+|nos\s+)?pri[eè]res?\b",
    ),
    thanks=any_of(
        r"\b(?:rendons|rendez|rendre|rends)\s+(?:\w+\s+)?(?:gr[aâ]ces?|gloire)\b",
        r"\b(?:remercions|remerciez|remercier|remercie)\s+"
        + _GOD
        + r"(?!\w)|^(?:remercions|remerciez)\b(?!-?\s*vous)",
        r"\bmerci\s+(?:à\s+|au\s+)?(?:dieu|seigneur|p[eè]re|j[eé]sus)\b",
        r"\b(?:louons|louez|b[eé]nissons|b[eé]nissez|c[eé]l[eé]brons|glorifions)\b",
        r"\b(?:lou[eé]|b[eé]ni)\s+soit\b|\b(?:dieu|le\s+seigneur|l'[eé]ternel)\s+soit\s+(?:lou[eé]|b[eé]ni|remerci[eé])\b",
        r"\b(?:gloire|louange|gr[aâ]ces?)\s+(?:soient?\s+rendues?\s+)?(?:à\s+dieu|au\s+seigneur|à\s+l'[eé]ternel)\b",
        r"\bnous\s+sommes\s+(?:\w+\s+)?reconnaissants?\b|^r[eé]jouissons-nous\b|^r[eé]jouissez-vous\b",
        r"^(?:actions?\s+de\s+gr[aâ]ces?|louange|reconnaissance|merci)\s*:|^merci\s+pour\b(?!\s+vo)",
    ),
    turns=turning(
        r"et|nous|mais|puis|aussi|ainsi\s+que|en\s+même\s+temps",
        r"(?:prions|priez|(?:lui\s+)?demandons|demandez|interc[eé]dons|interc[eé]dez|"
        r"rendons\s+gr[aâ]ces?|rendez\s+gr[aâ]ces?|remercions|remerciez|louons|louez)\b",
    ),
    prayer_heading=any_of(
        r"(?:nos\s+|vos\s+|les\s+|principaux\s+)?(?:sujets?|points?|th[eè]mes?|motifs?|besoins|intentions?|demandes?|requ[eê]tes?|id[eé]es|pistes)\s+(?:de|pour\s+la)\s+pri[eè]res?(?:\s+(?:pour|de|du)\s+.{1,30})?",
        r"(?:en\s+|pour\s+la\s+|à\s+la\s+|la\s+)?pri[eè]res?|intercessions?|pour\s+(?:votre|nos|vos|la)\s+(?:intercession|pri[eè]res?)",
        r"(?:merci\s+de\s+|veuillez\s+)?(?:prions|priez|prier)(?:\s+(?:ensemble|avec\s+nous|s'il\s+vous\s+pla[iî]t))?(?:\s+(?:pour|afin\s+que|que))?",
        r"comment\s+prier(?:\s+pour\s+.{1,30})?|(?:demandons|demandez)(?:\s+(?:à\s+dieu|au\s+seigneur))?",
        r"(?:pri[eè]re|intercession|requ[eê]tes?)\s*(?:et|&|/)\s*(?:louange|reconnaissance|actions?\s+de\s+gr[aâ]ces?)|"
        r"(?:louange|reconnaissance|actions?\s+de\s+gr[aâ]ces?)\s*(?:et|&|/)\s*(?:pri[eè]re|intercession|requ[eê]tes?)",
        r"sujets?\s+de\s+(?:louange|reconnaissance)\s+et\s+de\s+pri[eè]res?|agenda\s+de\s+pri[eè]re",
    ),
    thanks_heading=any_of(
        r"(?:les\s+|nos\s+)?(?:sujets?|motifs?|raisons?|points?)\s+(?:de|d'|pour)\s*(?:louange|reconnaissance|remerciements?|actions?\s+de\s+gr[aâ]ces?|gratitude|louer\s+.{1,20}|remercier\s+.{1,20})",
        r"(?:les\s+)?actions?\s+de\s+gr[aâ]ces?|louanges?|reconnaissance|remerciements\s+(?:à\s+dieu|au\s+seigneur)|gr[aâ]ces",
        r"(?:rendons|rendez)\s+gr[aâ]ces?(?:\s+(?:à\s+dieu|au\s+seigneur))?(?:\s+pour)?|(?:remercions|remerciez|louons|louez)(?:\s+"
        + _GOD
        + r")?(?:\s+pour)?",
        r"(?:pri[eè]res\s+exauc[eé]es|exaucements?|r[eé]ponses?\s+(?:à\s+(?:la|nos|vos)\s+pri[eè]res?|de\s+dieu))",
    ),
    other_heading=any_of(
        r"(?:prochaines?\s+|quelques\s+)?(?:dates?(?:\s+(?:importantes?|à\s+retenir|à\s+noter))?|rendez-vous|[eé]v[eé]nements?|agenda|calendrier|à\s+venir|à\s+l'agenda)",
        r"(?:derni[eè]res\s+|bonnes\s+|br[eè]ves\s+)?(?:nouvelles|actualit[eé]s|infos?|informations|br[eè]ves|en\s+bref)(?:\s+(?:de|du|des)\s+.{1,30})?",
        r"(?:faits(?:\s+et\s+chiffres)?|chiffres(?:\s+cl[eé]s)?|en\s+chiffres|contexte|profil|statistiques|sommaire|contacts?|nous\s+contacter|"
        r"ressources|annonces?|liens|dons?|pour\s+nous\s+soutenir|comment\s+(?:nous\s+)?aider)",
    ),
    topic_heading=any_of(
        r"(?:prions|priez|prier|pri[eè]res?|intercession|rendons\s+gr[aâ]ces?|remercions\s+(?:dieu|le\s+seigneur)|louons\s+(?:dieu|le\s+seigneur))\s+(?:pour|que|afin)\b"
    ),
    dates=Dates(
        weekdays=names(
            "lundi lun, mardi mar, mercredi mer, jeudi jeu, vendredi ven, samedi sam, dimanche dim"
        ),
        months=names(
            "janvier janv jan, février fevrier févr fév fev, mars, avril avr, mai, juin, "
            "juillet juil, août aout, septembre sept, octobre oct, novembre nov, décembre decembre déc dec"
        ),
        day=r"Jour\s+\d{1,2}|\d{1,2}e?r?\s+jour",
        ordinal=r"er|e|ème",
        since=r"du|de",
        to=r"au|à|et",
        on=r"le|ce",
        numeric="d/m",
    ),
    abbreviations=a_set_of(
        "m mm mme mlle dr pr st ste p.ex ex etc cf env tél av bd vol chap p pp no nos "
        "janv févr avr juil sept oct nov déc mt mc lc jn rm co ga ep ph col th tm hé jc pi ap ps pr es jr"
    ),
    unfinished=a_set_of("et ou mais le la les de des du un une avec parce pour que dans à"),
    salutation=any_of(
        r"(?:bien\s+|très\s+)?(?:ch[eè]re?s?|(?:bonjour|bonsoir|salut)(?!\s+(?:de|du|des|depuis)\b)|bien-aim[eé]s|mesdames|monsieur)\b.{0,60}[,:!]",
    ),
    keys=keys(
        "date semaine période, langue, résumé resume aperçu, sensibilité sensibilite confidentialité visibilité, "
        "pays région, image photo"
    ),
    residue=(
        *RESIDUE,
        any_of(
            r"(?:si\s+)?.{0,20}(?:cet?\s+(?:e-?mail|courriel|message|mail)|cette\s+(?:lettre|newsletter))\b.{0,40}(?:ne\s+s'affiche\s+pas|affich[eé]|visualiser).*",
            r"(?:voir|lire|afficher|consulter|ouvrir|visualiser)\s+(?:cet?\s+|cette\s+|la\s+|le\s+)?(?:e-?mail|courriel|message|mail|lettre|newsletter|version)?\s*(?:dans|sur|en)\s+(?:votre\s+|le\s+|un\s+)?(?:navigateur|ligne)",
            r"(?:ce\s+message|cette\s+(?:page|fen[eê]tre))\b.{0,40}\b\d+\s*(?:s|sec\.?|secondes?|minutes?)\b.{0,20}",
            r"cliquez\s+ici(?:\s+(?:pour|si)\s+.{1,50})?",
            r"(?:aller|passer)\s+au\s+contenu(?:\s+principal)?|(?:haut|d[eé]but)\s+de\s+(?:la\s+)?page|retour\s+(?:en\s+haut|à\s+l'accueil|au\s+sommaire)",
            r"(?:lire\s+la\s+suite|en\s+savoir\s+plus|voir\s+(?:plus|tout)|lire\s+plus|continuer\s+la\s+lecture)",
            r"(?:partager|imprimer|envoyer|enregistrer)\s+(?:cet\s+article|cette\s+page|sur\s+.{1,30})|(?:suivez|rejoignez)-nous\s+sur\s+.{1,30}",
            r"(?:laisser\s+un\s+commentaire|\d+\s+commentaires?|aucun\s+commentaire|articles\s+(?:similaires|li[eé]s))",
            r"(?:article|page)\s+(?:pr[eé]c[eé]dente?|suivante?)|page\s+\d+\s+(?:sur|de)\s+\d+",
            r"(?:nous\s+utilisons|ce\s+site\s+utilise)\s+des\s+cookies.*|(?:accepter|refuser)\s+(?:tous\s+les\s+|les\s+)?cookies",
            r"(?:se\s+d[eé]sabonner|se\s+d[eé]sinscrire|me\s+d[eé]sabonner|d[eé]sabonnement|g[eé]rer\s+(?:mes|vos)\s+pr[eé]f[eé]rences)(?:\s+ici)?",
            r"envoy[eé]\s+(?:de|depuis)\s+mon\s+.{1,30}|tous\s+droits\s+r[eé]serv[eé]s|publicit[eé]|chargement(?:\s+en\s+cours)?",
        ),
    ),
    residue_at_an_end=(
        *AT_AN_END,
        any_of(
            r"(?:partager|imprimer|menu|rechercher|recherche|connexion|se\s+connecter|accueil|r[eé]pondre|transf[eé]rer|fermer|commentaires?|s'abonner)(?:\s*[|/·>»]\s*[\w-]+)*",
        ),
    ),
)
