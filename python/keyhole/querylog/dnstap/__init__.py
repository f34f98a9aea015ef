"""Writes queries as dnstap messages in Frame Streams.

The field numbers are those of ``dnstap.proto`` (dnstap.info); the frames follow the Frame Streams
specification of ``fstrm``. The log does not keep DNS messages. So the question is rebuilt from name
and type, and a response has only its header, where its response code is known.
"""

from keyhole.querylog.dnstap.file import FileOutput
from keyhole.querylog.dnstap.message import CONTENT_TYPE, Messages, ReasonInfo
from keyhole.querylog.dnstap.socket import SocketOutput, Target

__all__ = ["CONTENT_TYPE", "FileOutput", "Messages", "ReasonInfo", "SocketOutput", "Target"]
