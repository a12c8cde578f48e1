"""Spanish."""

from newsletter.bulletin.words.table import Dates, Words, a_set_of, any_of, keys, names, turning
from newsletter.bulletin.words.web import AT_AN_END, RESIDUE

_GOD = r"(?:dios|(?:el|al|nuestro|a\s+nuestro)\s+(?:señor|padre)|a\s+dios|jes[uú]s|cristo|él)"

WORDS = Words(
    petition=any_of(
        r"\b(?:oremos|oren|orad|oramos|orando)\b",
        r"^(?:por\s+favor,?\s+)?ora\b|\b(?:ora|ore|orar)\s+(?:por|para|que|con|a\s+favor)\b",
        r"\b(?:pidamos|pidan|pedid|pida|pide|pedimos|pedir|pidiendo)\s+(?:le\s+)?(?:a\s+|al\s+)?"
        + _GOD
        + r"(?!\w)",
        r"^(?:pidamos|pidan|pedid|pidámosle|pídanle|pedimos)\b(?!\s+(?:disculpas|perdón\s+por))",
        r"\ble\s+(?:pedimos|pidamos|rogamos)\b",
        r"\b(?:roguemos|rueguen|ruegue|rogamos|rogad|supliquemos|clamemos|clamen|clamad)\b(?!\s+(?:confirmar|puntualidad))",
        r"\b(?:clame|clama|suplique|suplica)\s+(?:a\s+|al\s+)?" + _GOD + r"(?!\w)",
        r"\b(?:intercedamos|intercedan|interceded|interceda|intercede|interceder)\b",
        r"^(?:por\s+favor,?\s+)?(?:recemos|recen|rezad|rece|reza)\b|\brezar\s+(?:por|para|que)\b",
        r"^que\s+(?:dios|el\s+señor|nuestro\s+señor|jes[uú]s|su\s|sus\s|el\s+espíritu)",
        r"^(?:señor|padre|dios|jes[uú]s),",
        r"^(?:oración|intercesión|petición)\s+(?:por|para)\b",
        r"\b(?:recuerden|recordemos|recordad|tengan|acuérdense)\b.{1,80}\ben\s+(?:sus\s+|vuestras\s+|la\s+)?oraci(?:ón|ones)\b",
    ),
    thanks=any_of(
        r"\b(?:demos|den|dad|da|damos|dar|dando)\s+(?:\w+\s+)?gracias\b",
        r"\bgracias\s+(?:a\s+dios|al\s+señor|señor|padre|jes[uú]s|a\s+él)\b",
        r"\b(?:agradezcamos|agradezcan|agradezca|agradeced|agradece|agradecemos|agradecer)\s+(?:a\s+|al\s+)?"
        + _GOD
        + r"(?!\w)",
        r"^(?:agradezcamos|agradezcan|agradezca|agradeced)\b|^alab[ae]\b|\bestamos\s+(?:\w+\s+)?agradecid[oa]s\s+(?:a\s+dios|al\s+señor|por|con\s+dios)\b",
        r"\b(?:alabemos|alaben|alabad|alabamos|alabado\s+sea|bendito\s+sea|bendigamos|glorifiquemos|celebremos)\b",
        r"\b(?:gloria|alabanza)\s+(?:a\s+dios|al\s+señor)\b|^(?:regocijémonos|alégrense|alegrémonos)\b",
        r"^(?:gratitud|gracias|acción\s+de\s+gracias|alabanza)\s*:|^gracias\s+por\b(?!\s+(?:sus|tus|vuestr|su\s+apoyo|tu\s+apoyo))",
    ),
    turns=turning(
        r"y|e|pero|luego|también|además",
        r"(?:oremos|oren|orad|ora\s+por|(?:le\s+)?pedimos|pidamos|pidan|pedid|intercedamos|intercedan|"
        r"demos\s+gracias|dad\s+gracias|den\s+gracias\s+(?:a\s+\w+\s+)?por|agradezcamos|alabemos)\b",
    ),
    prayer_heading=any_of(
        r"(?:nuestr[oa]s\s+|los\s+|las\s+)?(?:motivos?|puntos?|temas?|peticiones|petición|pedidos?|necesidades|asuntos?|guía|lista|calendario)\s+(?:de|para(?:\s+la)?)\s+(?:oración|orar|intercesión)(?:\s+(?:por|de)\s+.{1,30})?",
        r"(?:en\s+|para\s+la\s+|a\s+la\s+|la\s+)?oraci(?:ón|ones)|peticiones|intercesión|intercesiones|para\s+(?:orar|interceder)",
        r"(?:por\s+favor,?\s+)?(?:oremos|oren|orad|ora|orar|ore)(?:\s+(?:juntos|con\s+nosotros|por\s+favor))?(?:\s+(?:por|para\s+que|que))?",
        r"c[oó]mo\s+(?:puedes\s+|pueden\s+)?orar(?:\s+por\s+.{1,30})?|(?:pidamos|pidan)(?:\s+a\s+dios|\s+al\s+señor)?(?:\s+por)?",
        r"(?:oración|peticiones|petición|intercesión)\s+(?:y|e)\s+(?:alabanza|gratitud|agradecimiento|acción\s+de\s+gracias)|"
        r"(?:alabanza|gratitud|agradecimientos?|acción\s+de\s+gracias|gracias)\s+y\s+(?:oración|peticiones|petición|intercesión)",
    ),
    thanks_heading=any_of(
        r"(?:motivos?|razones|puntos?|temas?)\s+(?:de|para(?:\s+la)?)\s+(?:alabanza|gratitud|agradecimiento|acción\s+de\s+gracias|dar\s+gracias|agradecer|alabar(?:\s+.{1,20})?|gozo)",
        r"(?:acci(?:ón|ones)\s+de\s+gracias|alabanzas?|gratitud|agradecimientos?(?:\s+a\s+dios)?|gracias(?:\s+a\s+dios)?)",
        r"(?:demos|den|dad|damos)\s+gracias(?:\s+(?:a\s+dios|al\s+señor))?(?:\s+por)?|(?:alabemos|alaben|agradezcamos|agradecemos)(?:\s+(?:a\s+dios|al\s+señor))?(?:\s+por)?",
        r"(?:oraciones\s+(?:contestadas|respondidas)|respuestas?\s+a\s+(?:la\s+|nuestras\s+|sus\s+)?oraci(?:ón|ones))",
    ),
    other_heading=any_of(
        r"(?:próximas?\s+|próximos\s+)?(?:fechas?(?:\s+(?:importantes?|clave|para\s+recordar))?|eventos|agenda|calendario|actividades|próximamente)",
        r"(?:últimas\s+|breves\s+)?(?:noticias|novedades|informaciones|actualidad|en\s+breve|informes?)(?:\s+(?:de|del|desde)\s+.{1,30})?",
        r"(?:datos(?:\s+y\s+cifras)?|cifras|en\s+cifras|contexto|trasfondo|perfil|estadísticas|contenido|índice|contactos?|"
        r"recursos|anuncios|avisos|enlaces|donaciones|c[oó]mo\s+ayudar)",
    ),
    topic_heading=any_of(
        r"(?:por\s+favor,?\s+)?(?:oremos|oren|orad|ora|orar|oración|intercedamos|intercesión|peticiones|(?:demos|den)\s+gracias(?:\s+a\s+dios)?|gracias\s+a\s+dios|alabemos\s+a\s+dios)\s+(?:por|para)\b"
    ),
    dates=Dates(
        weekdays=names(
            "lunes lun, martes mar, miércoles miercoles mié mie, jueves jue, viernes vie, "
            "sábado sabado sáb sab, domingo dom"
        ),
        months=names(
            "enero ene, febrero feb, marzo mar, abril abr, mayo may, junio jun, julio jul, agosto ago, "
            "septiembre setiembre sept sep set, octubre oct, noviembre nov, diciembre dic"
        ),
        day=r"D[ií]a\s+\d{1,2}",
        ordinal=r"º|\.º|ro",
        of=r"de|del",
        since=r"del|desde\s+el",
        to=r"al|a|hasta\s+el|y",
        on=r"el|este",
        numeric="d/m",
    ),
    abbreviations=a_set_of(
        "sr sra srta dr dra d dña prof ud uds p.ej ej etc núm nº pág págs vol cap av tel aprox ee.uu "
        "hno hna hnos mt mr lc jn ro co gá ef fil col tes tim heb stg pe ap sal pr is jer"
    ),
    unfinished=a_set_of("y e o pero el la los las de del un una con porque para que en a"),
    salutation=any_of(
        r"(?:muy\s+|mis\s+)?(?:querid[oa]s?|amad[oa]s?|estimad[oa]s?|apreciad[oa]s?|(?:hola|saludos)(?!\s+desde?\b)|hermanos|buenos\s+d[ií]as)\b.{0,60}[,:!]",
    ),
    keys=keys(
        "fecha semana período periodo, idioma lengua, resumen, sensibilidad confidencialidad visibilidad, "
        "país pais región, imagen foto"
    ),
    residue=(
        *RESIDUE,
        any_of(
            r"(?:si\s+)?.{0,20}(?:este\s+(?:correo|e-?mail|mensaje|boletín))\b.{0,40}no\s+se\s+(?:muestra|visualiza|ve).*|si\s+no\s+(?:puede|puedes)\s+ver\s.*",
            r"(?:ver|leer|abrir|mostrar)\s+(?:este\s+|el\s+)?(?:correo|e-?mail|mensaje|boletín)?(?:\s+electrónico)?\s*(?:en|desde)\s+(?:su\s+|tu\s+|el\s+|un\s+)?(?:navegador|línea)(?:\s+web)?",
            r"(?:este\s+mensaje|esta\s+(?:página|ventana))\b.{0,40}\b\d+\s*(?:s|seg\.?|segundos?|minutos?)\b.{0,20}",
            r"(?:haga|haz|hacer|pulse|pulsa)\s+(?:clic|click)?\s*aqu[ií](?:\s+(?:para|si)\s+.{1,50})?",
            r"(?:ir|saltar)\s+al\s+contenido(?:\s+principal)?|volver\s+(?:arriba|al\s+inicio|atrás)|(?:ir\s+)?arriba",
            r"(?:leer|ver|saber|seguir)\s+(?:más|todo|leyendo)|leer\s+la\s+noticia\s+completa",
            r"(?:compartir|imprimir|enviar|guardar)\s+(?:este\s+artículo|esta\s+página|en\s+.{1,30})|s[ií]gue?nos\s+en\s+.{1,30}|s[ií]ganos\s+en\s+.{1,30}",
            r"(?:deja(?:r)?\s+un\s+comentario|\d+\s+comentarios?|sin\s+comentarios|(?:artículos|entradas)\s+relacionad[oa]s)",
            r"(?:artículo|entrada|página)\s+(?:anterior|siguiente)|página\s+\d+\s+de\s+\d+",
            r"(?:utilizamos|usamos|este\s+sitio\s+(?:web\s+)?(?:usa|utiliza))\s+cookies.*|(?:aceptar|rechazar)\s+(?:todas\s+las\s+|las\s+)?cookies",
            r"(?:darse\s+de\s+baja|darme\s+de\s+baja|cancelar\s+(?:la\s+)?suscripción|desuscribirse|anular\s+(?:la\s+)?suscripción)(?:\s+aqu[ií])?",
            r"enviado\s+desde\s+mi\s+.{1,30}|todos\s+los\s+derechos\s+reservados|publicidad|cargando",
        ),
    ),
    residue_at_an_end=(
        *AT_AN_END,
        any_of(
            r"(?:compartir|imprimir|menú|buscar|iniciar\s+sesión|inicio|responder|reenviar|cerrar|comentarios?|suscribirse)(?:\s*[|/·>»]\s*[\w-]+)*",
        ),
    ),
)
