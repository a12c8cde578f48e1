"""Addresses at free mail services: nobody else may send for them.

Such a service tells every receiver (by DMARC) to refuse or to hide what claims to come from
it and does not.  A newsletter from such an address arrives nowhere.
"""

import re

from newsletter.config import Settings
from newsletter.errors import Problem

_NAMES = """
    gmail.com googlemail.com ymail.com rocketmail.com aol.com aim.com msn.com passport.com
    icloud.com me.com mac.com web.de freenet.de mail.com email.com inbox.com
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com
    mail.ru inbox.ru list.ru bk.ru internet.ru rambler.ru ya.ru ukr.net i.ua
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com
    naver.com daum.net hanmail.net rediffmail.com bol.com.br uol.com.br
    laposte.net libero.it virgilio.it seznam.cz wp.pl o2.pl onet.pl interia.pl abv.bg
"""
_SERVICES = frozenset(_NAMES.split())
_FAMILIES = re.compile(
    r"(?:yahoo|hotmail|outlook|live|aol|gmx|yandex|windowslive)\.(?:com|net|(?:com?\.)?[a-z]{2})"
)


def is_free_mail(address: str) -> bool:
    """Whether an address belongs to a free mail service."""
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    return domain in _SERVICES or _FAMILIES.fullmatch(domain) is not None


def refuse_free_mail(settings: Settings) -> None:
    """Say no to a sender that no real provider can send for.

    Raises:
        Problem: the sender's address, or that of a list, belongs to a free mail service.
    """
    if is_free_mail(settings.discreet.email):
        raise Problem(
            "The address of the discreet mail belongs to a free mail service, which lets receivers "
            "refuse what others send in its name: set email under [discreet] to an address of a "
            "domain of its own."
        )
    for list_name in ("", *settings.lists):
        if is_free_mail(settings.sender_of(list_name).email):
            place = (
                f"sender_email under [lists.{list_name}]" if list_name else "email under [sender]"
            )
            raise Problem(
                "The sender's address belongs to a free mail service, which lets receivers refuse "
                f"what others send in its name: set {place} to an address of a domain of your own; "
                "reply_to may stay where it is."
            )
