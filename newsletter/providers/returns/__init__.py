"""What comes back by mail: bounce reports (RFC 3464) and complaints (RFC 5965).

```text
sign         the return path of one copy, with a token that only this site can make   path
read_return  the bytes of a mail -> what it reports about which copy, or None          reading
verdict_of   a status code: is the address dead, full, or are we at fault             statuses
Maildir      the mailbox as a folder of this machine                                   maildir
Imap         the mailbox on a server                                                   imap
```
`newsletter.events.returns` makes events of them.
"""

from newsletter.providers.returns.path import sign
from newsletter.providers.returns.reading import MOST_BYTES, Returned, read_return

__all__ = ["MOST_BYTES", "Returned", "read_return", "sign"]
