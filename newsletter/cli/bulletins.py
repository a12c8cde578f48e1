"""`newsletter bulletin ...`: read, check, look at and store what was written."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from newsletter import issue
from newsletter.bulletin import Bulletin, bulletin_json, read_bulletin
from newsletter.checks import Facts, Finding, blocks, check as check_bulletin, finding_json
