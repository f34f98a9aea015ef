"""Files that a person writes: read with their lines, validated as a whole, resolved.

``keyhole.yaml`` goes from `load_config` through `resolve` to the engine's options; documents come
from `read_documents` and are compiled by ``keyhole.policy``.
"""

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.default import default_config_text
from keyhole.config.documents import read_documents, read_text_documents
from keyhole.config.load import load_config, load_config_and_text, read_config, read_config_text
from keyhole.config.resolve import Resolved, ServerTls, resolve
from keyhole.config.sections import Config

__all__ = [
    "Config",
    "Declaration",
    "Documents",
    "Resolved",
    "ServerTls",
    "default_config_text",
    "load_config",
    "load_config_and_text",
    "read_config",
    "read_config_text",
    "read_documents",
    "read_text_documents",
    "resolve",
]
