"""Secrets in texts that are shown or stored: passwords, tokens and signatures become ``***``."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_OF_THE_ENVIRONMENT = r"(?!\$\{)"
"""What names a variable of the environment shows no secret."""
_WORDS = r"(?:passwo?r?d|passphrase|passwd|pwd|secret|token|credential|signature|api[_-]?key)"
_PATTERNS = (
    # user:password@host; a number and a slash are a port and a path.
    rf"(://[^/\s:@\"]*:){_OF_THE_ENVIRONMENT}(?!\d+/)[^\s\"]*(?=@)",
    rf"(https?://){_OF_THE_ENVIRONMENT}[^/\s:@\"]+(?=@)",
    # ?password=…, &X-Amz-Signature=…, ?sig=…, #access_token=…
    rf"([?&;#](?:[\w.-]*(?:{_WORDS}|access_?key)[\w.-]*|key|sig|auth|sas)="
    rf"){_OF_THE_ENVIRONMENT}[^&\s#\"']+",
    # Addresses of notifications that are their own secret.
    r"(hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/"
    rf"|api\.telegram\.org/bot){_OF_THE_ENVIRONMENT}[^\s\"']+",
    # api_key: …, "token": "…", password=… in what was typed
    rf"(\b[\w-]*{_WORDS}[\"']?\s*[:=]\s*[\"']?){_OF_THE_ENVIRONMENT}[^\s\"',}}\]&@]+",
)
_SECRETS = re.compile("|".join(_PATTERNS), re.IGNORECASE)
_NAME = re.compile(rf"[\w-]*{_WORDS}", re.IGNORECASE)


def masked(text: str) -> str:
    """A text without the secrets in it; ``${oc.env:NAME}`` stays.

    Args:
        text: a URL, a message, a command line, JSON.

    Example:
        >>> masked("no answer from s3://me:secret@host/bucket?sig=abc")
        'no answer from s3://me:***@host/bucket?sig=***'
    """
    return _SECRETS.sub(lambda found: f"{found[found.lastindex or 0]}{HIDDEN}", text)


def _names_a_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret, such as ``api_key``."""
    return _NAME.fullmatch(name) is not None


def masked_values(content: Any) -> Any:
    """The same mappings and lists without the secrets in their texts.

    Args:
        content: of JSON or YAML.
    """
    if isinstance(content, Mapping):
        return {name: _masked_value(str(name), value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [masked_values(value) for value in content]
    return masked(content) if isinstance(content, str) else content


def _masked_value(name: str, value: Any) -> Any:
    if isinstance(value, str) and _names_a_secret(name):
        return value if value.startswith("${") else HIDDEN
    return masked_values(value)
