"""The measuring stick for mails: `make email-check` and `make gallery`.

    matrix      every kind of mail x language x style, as it goes out
    rules       what a careful reader of the source looks for
    browser     accessibility, overflow and sizes in Chromium
    validity    the Nu HTML checker
    support     what the common mail programs make of it
    gallery     pictures of all of it, to be looked at

Its node parts are pinned in `package.json` and installed when they are needed.
"""
