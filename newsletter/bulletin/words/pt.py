"""Portuguese, of Brazil and of Portugal."""

from newsletter.bulletin.words.table import Dates, Words, a_set_of, any_of, keys, names, turning
from newsletter.bulletin.words.web import AT_AN_END, RESIDUE

_GOD = r"(?:deus|o\s+senhor|ao\s+senhor|nosso\s+(?:senhor|pai)|ao?\s+nosso\s+pai|a\s+deus|jesus|cristo|ele)"

WORDS = Words(
    petition=any_of(
        r"\b(?:oremos|orem|orai|oramos|orando)\b",
        r"^(?:por\s+favor,?\s+)?ore\b|\b(?:ore|ora|orar)\s+(?:por|para|pel[oa]s?|que|connosco|conosco|a\s+favor)\b",
        r"\b(?:peçamos|peçam|pedi|peça|pedimos|pedir|pedindo)\s+(?:a\s+|ao\s+)?" + _GOD + r"(?!\w)",
        r"^(?:peçamos|peçam|peça|pedimos|pedi)\b(?!\s+(?:desculpas?|perdão\s+pel))",
        r"\b(?:roguemos|roguem|rogue|rogai|rogamos|supliquemos|clamemos|clamem|clamai|clame|clamamos)\b",
        r"\b(?:intercedamos|intercedam|intercedei|interceda|interceder|intercedemos)\b",
        r"^(?:por\s+favor,?\s+)?(?:rezemos|rezem|rezai|reze|reza)\b|\brezar\s+(?:por|pel[oa]s?|para|que)\b",
        r"^que\s+(?:deus|o\s+senhor|nosso\s+senhor|jesus|o\s+espírito|sua\s|seu\s)",
        r"^(?:senhor|pai|deus|jesus),",
        r"^(?:oração|intercessão|súplica|pedido)\s+(?:por|pel[oa]s?|para)\b",
        r"\b(?:lembrem|lembre|lembremos|lembrai|recordem|coloquem)\b.{1,80}\b(?:em|nas?)\s+(?:suas\s+|vossas\s+)?oraç(?:ão|ões)\b",
    ),
    thanks=any_of(
        r"\b(?:demos|deem|dêem|dê|dai|damos|dar|dando|rendamos|rendam)\s+(?:\w+\s+)?graças\b",
        r"\bgraças\s+(?:a\s+deus|ao\s+senhor|te\s+damos)\b|\bobrigad[oa],?\s+(?:senhor|pai|deus|jesus)\b",
        r"\b(?:agradeçamos|agradeçam|agradeça|agradecei|agradecemos|agradecer)\s+(?:a\s+|ao\s+)?"
        + _GOD
        + r"(?!\w)",
        r"^(?:agradeçamos|agradeçam|agradeça|agradecei)\b|\bsomos\s+(?:\w+\s+)?gratos\s+(?:a\s+deus|ao\s+senhor|por|pel[oa]s?)\b",
        r"\b(?:louvemos|louvem|louvai|louve|louvamos|louvado\s+seja|bendito\s+seja|bendigamos|glorifiquemos|celebremos)\b",
        r"\b(?:glória|louvor(?:es)?)\s+(?:a\s+deus|ao\s+senhor)\b|^(?:alegremo-nos|alegrem-se|regozijem-se)\b",
        r"^(?:gratidão|agradecimento|ações?\s+de\s+graças|louvor)\s*:",
    ),
    turns=turning(
        r"e|mas|depois|também|além\s+disso",
        r"(?:oremos|orem|orai|ore\s+(?:por|pel[oa]s?|para)|peçamos|peçam|(?:lhe\s+)?pedimos|peça\s+a|intercedamos|intercedam|interceda|"
        r"demos\s+graças|dai\s+graças|deem\s+graças\s+(?:a\s+\w+\s+)?(?:por|pel[oa]s?)|agradeçamos|agradeçam|agradeça|louvemos)\b",
    ),
    prayer_heading=any_of(
        r"(?:nossos\s+|os\s+|principais\s+)?(?:motivos?|pontos?|temas?|pedidos?|necessidades|alvos?|assuntos?|guia|lista|calendário|agenda)\s+(?:de|para(?:\s+a)?)\s+(?:oração|orar|intercessão)(?:\s+(?:por|de)\s+.{1,30})?",
        r"(?:em\s+|para\s+a\s+|a\s+)?oraç(?:ão|ões)|pedidos|intercessão|intercessões|súplicas?|petições|para\s+(?:orar|interceder)",
        r"(?:por\s+favor,?\s+)?(?:oremos|orem|orai|ore|orar)(?:\s+(?:juntos|conosco|connosco|por\s+favor))?(?:\s+(?:por|pel[oa]s?|para\s+que|que))?",
        r"como\s+(?:pode\s+|podem\s+|você\s+pode\s+)?orar(?:\s+(?:por|pel[oa]s?)\s+.{1,30})?|(?:peçamos|peçam)(?:\s+a\s+deus|\s+ao\s+senhor)?(?:\s+por)?",
        r"(?:oração|pedidos|petições|intercessão|súplica)\s+e\s+(?:louvor|gratidão|agradecimentos?|ações?\s+de\s+graças)|"
        r"(?:louvor|gratidão|agradecimentos?|ações?\s+de\s+graças)\s+e\s+(?:oração|pedidos|petições|intercessão|súplica)",
    ),
    thanks_heading=any_of(
        r"(?:motivos?|razões|pontos?)\s+(?:de|para(?:\s+o)?)\s+(?:louvor|gratidão|agradecimento|ações?\s+de\s+graças|dar\s+graças|agradecer|louvar(?:\s+.{1,20})?|alegria)",
        r"(?:aç(?:ão|ões)\s+de\s+graças|louvor(?:es)?|gratidão|agradecimentos?(?:\s+a\s+deus)?|graças\s+a\s+deus)",
        r"(?:demos|deem|damos)\s+graças(?:\s+(?:a\s+deus|ao\s+senhor))?(?:\s+(?:por|pel[oa]s?))?|(?:louvemos|louvem|louve|agradeçamos|agradeçam|agradeça|agradecemos)(?:\s+(?:a\s+deus|ao\s+senhor))?(?:\s+(?:por|pel[oa]s?))?",
        r"(?:orações\s+(?:respondidas|atendidas)|respostas?\s+(?:à|às|de)\s+(?:nossas\s+|suas\s+)?oraç(?:ão|ões))",
    ),
    other_heading=any_of(
        r"(?:próximas?\s+|próximos\s+)?(?:datas?(?:\s+(?:importantes?|para\s+lembrar|a\s+reter))?|eventos|agenda|calendário|atividades|em\s+breve)",
        r"(?:últimas\s+|breves\s+)?(?:notícias|novidades|informações|atualidades?|em\s+resumo|informes?|relatório)(?:\s+(?:de|do|da|dos|das)\s+.{1,30})?",
        r"(?:dados|fatos(?:\s+e\s+números)?|números|em\s+números|contexto|perfil|estatísticas|conteúdo|índice|contat?c?tos?|"
        r"recursos|anúncios|avisos|links|ligações|doações|ofertas|como\s+ajudar)",
    ),
    topic_heading=any_of(
        r"(?:por\s+favor,?\s+)?(?:oremos|orem|orai|ore|orar|oração|intercedamos|intercessão|pedidos|(?:demos|deem)\s+graças(?:\s+a\s+deus)?|graças\s+a\s+deus|louvemos\s+a\s+deus|agradeçam\s+a\s+deus)\s+(?:por|pel[oa]s?|para)\b"
    ),
    dates=Dates(
        weekdays=names(
            "segunda-feira segunda_feira segunda seg 2ª-feira 2ª_feira 2.ª_feira 2a-feira, "
            "terça-feira terça_feira terça ter 3ª-feira 3ª_feira 3.ª_feira 3a-feira, "
            "quarta-feira quarta_feira quarta qua 4ª-feira 4ª_feira 4.ª_feira 4a-feira, "
            "quinta-feira quinta_feira quinta qui 5ª-feira 5ª_feira 5.ª_feira 5a-feira, "
            "sexta-feira sexta_feira sexta sex 6ª-feira 6ª_feira 6.ª_feira 6a-feira, sábado sabado sáb sab, domingo dom"
        ),
        months=names(
            "janeiro jan, fevereiro fev, março mar, abril abr, maio mai, junho jun, julho jul, agosto ago, "
            "setembro set, outubro out, novembro nov, dezembro dez"
        ),
        day=r"Dia\s+\d{1,2}(?!\s+de)",
        ordinal=r"º|ª|o",
        of=r"de",
        since=r"de|do\s+dia",
        to=r"a|à|ao|até|e",
        on=r"na|no|esta|este",
        numeric="d/m",
    ),
    abbreviations=a_set_of(
        "sr sra srta dr dra prof pr pra p.ex ex etc nº núm pág págs vol cap av tel aprox eua ir irmã "
        "mt mc lc jo rm co gl ef fp cl ts tm hb tg pe ap sl pv is jr"
    ),
    unfinished=a_set_of("e ou mas o a os as de do da dos das um uma com porque para que em"),
    salutation=any_of(
        r"(?:meus\s+|muito\s+)?(?:querid[oa]s?|amad[oa]s?|car[oa]s?|prezad[oa]s?|estimad[oa]s?|(?:olá|saudações)(?!\s+d[eao]s?\b)|irmãos|bom\s+dia)\b.{0,60}[,:!]",
    ),
    keys=keys(
        "data semana período, idioma língua, resumo, sensibilidade confidencialidade visibilidade, "
        "país região, imagem foto"
    ),
    residue=(
        *RESIDUE,
        any_of(
            r"(?:se\s+)?.{0,20}(?:este\s+(?:e-?mail|mensagem|boletim)|esta\s+mensagem)\b.{0,40}não\s+(?:é|está|aparece|for).*|(?:se|caso)\s+não\s+(?:consiga|consegue)\s+(?:ver|visualizar)\s.*",
            r"(?:ver|ler|abrir|visualizar|veja|leia)\s+(?:este\s+|esta\s+|o\s+)?(?:e-?mail|mensagem|boletim)?\s*(?:no|em|pelo)\s+(?:seu\s+|um\s+)?(?:navegador|browser)",
            r"(?:esta\s+(?:mensagem|página|janela))\b.{0,40}\b\d+\s*(?:s|seg\.?|segundos?|minutos?)\b.{0,20}",
            r"(?:clique|clicar|carregue)\s+aqui(?:\s+(?:para|se)\s+.{1,50})?",
            r"(?:ir|saltar|pular)\s+para\s+o\s+conteúdo(?:\s+principal)?|voltar\s+(?:ao\s+(?:topo|início)|para\s+cima)|topo",
            r"(?:leia|ler|ver|saiba|saber|continue|continuar)\s+(?:mais|tudo|lendo|a\s+ler)",
            r"(?:compartilhar|partilhar|compartilhe|partilhe|imprimir|enviar|salvar)\s+(?:este\s+artigo|esta\s+página|n[oa]\s+.{1,30})|siga-nos\s+n[oa]\s+.{1,30}",
            r"(?:deixe?\s+um\s+comentário|\d+\s+comentários?|sem\s+comentários|(?:artigos|posts)\s+relacionados)",
            r"(?:artigo|post|página)\s+(?:anterior|seguinte)|(?:próxim[oa]|anterior)\s+(?:artigo|post|página)|página\s+\d+\s+de\s+\d+",
            r"(?:utilizamos|usamos|este\s+site\s+(?:usa|utiliza))\s+cookies.*|(?:aceitar|rejeitar)\s+(?:todos\s+os\s+|os\s+)?cookies",
            r"(?:cancelar\s+(?:a\s+)?(?:inscrição|subscrição|assinatura)|descadastrar(?:-se)?|sair\s+da\s+lista)(?:\s+aqui)?",
            r"enviado\s+d[oe]\s+meu\s+.{1,30}|todos\s+os\s+direitos\s+reservados|publicidade|a?\s*carregando|a\s+carregar",
        ),
    ),
    residue_at_an_end=(
        *AT_AN_END,
        any_of(
            r"(?:compartilhar|partilhar|imprimir|menu|buscar|pesquisar|entrar|início|responder|encaminhar|fechar|comentários?|inscrever-se)(?:\s*[|/·>»]\s*[\w-]+)*",
        ),
    ),
)
